"""Charts of the notes: of what kinds they are, how old, and how long."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QFont, QPainter, QPaintEvent, QShowEvent
from PySide6.QtWidgets import QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from app.library.background import Background
from app.style import Size, Space, Style, Type, sized
from app.text import amounts
from app.widgets.labels import label, paragraph
from mlx_backend.library.note_statistics import LENGTHS, NoteStatistics, statistics_of

_MOST_KINDS = 6
_MOST_YEARS = 12


class NoteCharts(QScrollArea):
    """Three small charts of the notes in a folder, or of all notes, and their totals."""

    def __init__(self, background: Background, style: Style) -> None:
        super().__init__()
        self._background = background
        self._folder = ""
        self._is_stale = True
        self.heading = paragraph(kind="heading")
        self.sums = paragraph(kind="quiet")
        self.kinds = Bars(style)
        self.years = Bars(style)
        self.lengths = Bars(style)
        page = QWidget()
        page.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        layout = QVBoxLayout(page)
        layout.setContentsMargins(Space.THREE, Space.TWO, Space.FOUR, Space.TWO)
        layout.setSpacing(Space.ONE)
        layout.addWidget(self.heading)
        layout.addWidget(self.sums)
        for title, bars in (
            ("What kinds", self.kinds),
            ("How old", self.years),
            ("How many words", self.lengths),
        ):
            layout.addSpacing(Space.ONE)
            layout.addWidget(label(title, "section"))
            layout.addWidget(bars)
            bars.setAccessibleName(title)
        self.setWidget(page)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    def show_folder(self, folder: str) -> None:
        """Show the notes at and below a folder; "" is all of them."""
        self._folder = folder
        self.refresh()

    def refresh(self) -> None:
        """Read the library again, as soon as the charts are visible."""
        self._is_stale = True
        if self.isVisible():
            self._read()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._is_stale:
            self._read()

    def _read(self) -> None:
        self._is_stale = False
        folder = self._folder
        self._background.call(
            lambda db: statistics_of(db, folder), functools.partial(self._show, folder)
        )

    def _show(self, folder: str, statistics: NoteStatistics) -> None:
        if folder != self._folder:
            return
        sums = statistics.sums
        self.heading.setText(folder.rpartition("/")[2] if folder else "All notes")
        self.sums.setText(_in_words(statistics))
        self.kinds.show_bars(_kinds(statistics))
        self.years.show_bars(_years(statistics))
        self.lengths.show_bars(_lengths(statistics) if sums.notes else ())


class Bars(QWidget):
    """Horizontal bars, each with its name to the left and its number to the right."""

    def __init__(self, style: Style) -> None:
        super().__init__()
        self._style = style
        self._bars: tuple[tuple[str, int], ...] = ()
        self.setLayoutDirection(Qt.LayoutDirection.LeftToRight)  # as charts run everywhere
        style.changed.connect(self.update)
        sized(self, Bars._fit)

    def show_bars(self, bars: Sequence[tuple[str, int]]) -> None:
        """Draw these."""
        self._bars = tuple(bars)
        said = "; ".join(f"{name}: {amounts.number(number)}" for name, number in self._bars)
        self.setAccessibleDescription(said)
        self._fit()
        self.update()

    def _fit(self) -> None:
        self.setFixedHeight(Size.BAR_ROW * len(self._bars))

    def sizeHint(self) -> QSize:
        return QSize(Size.LIST, Size.BAR_ROW * len(self._bars))

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self._bars:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setLayoutDirection(self.layoutDirection())
        font = QFont(self.font())
        font.setPixelSize(Type.SMALL)
        painter.setFont(font)
        metrics = painter.fontMetrics()
        names = min(Size.NAMES, self.width() // 3)
        numbers = max(metrics.horizontalAdvance(amounts.number(number)) for _, number in self._bars)
        room = self.width() - names - numbers - 2 * Space.ONE
        most = max(1, *(number for _, number in self._bars))
        for row, (name, number) in enumerate(self._bars):
            line = QRectF(0, row * Size.BAR_ROW, self.width(), Size.BAR_ROW)
            self._draw(painter, line, (names, numbers), (name, number))
            length = max(Size.CURVE, room * number / most) if number else 0
            bar = QRectF(names + Space.ONE, line.center().y() - Space.HALF, length, Space.ONE)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._style.colours.accent)
            painter.drawRoundedRect(bar, Size.CURVE, Size.CURVE)
        painter.end()

    def _draw(
        self, painter: QPainter, line: QRectF, sizes: tuple[int, int], bar: tuple[str, int]
    ) -> None:
        """Write the name and the number of a bar."""
        colours, (name, number) = self._style.colours, bar
        metrics = painter.fontMetrics()
        shown = metrics.elidedText(name, Qt.TextElideMode.ElideRight, sizes[0])
        middle, right = Qt.AlignmentFlag.AlignVCenter, Qt.AlignmentFlag.AlignRight
        painter.setPen(colours.text)
        painter.drawText(line.adjusted(0, 0, sizes[0] - line.width(), 0), middle, shown)
        painter.setPen(colours.quiet)
        painter.drawText(line, middle | right, amounts.number(number))


def _in_words(statistics: NoteStatistics) -> str:
    sums = statistics.sums
    sentence = f"{amounts.count(sums.notes, 'note')} with {amounts.count(sums.words, 'word')}."
    if sums.left_out:
        sentence += f" {amounts.number(sums.left_out)} left out."
    return sentence


def _kinds(statistics: NoteStatistics) -> list[tuple[str, int]]:
    bars = [(_KINDS.get(kind, kind.capitalize()), number) for kind, number in statistics.kinds]
    if len(bars) <= _MOST_KINDS:
        return bars
    rest = sum(number for _, number in bars[_MOST_KINDS - 1 :])
    return [*bars[: _MOST_KINDS - 1], ("Others", rest)]


def _years(statistics: NoteStatistics) -> list[tuple[str, int]]:
    """The latest first; the years that do not fit share one bar."""
    bars = [(str(year), number) for year, number in reversed(statistics.years)]
    if len(bars) <= _MOST_YEARS:
        return bars
    first_older = bars[_MOST_YEARS - 1][0]
    older = sum(number for _, number in bars[_MOST_YEARS - 1 :])
    return [*bars[: _MOST_YEARS - 1], (f"{first_older} and before", older)]


def _lengths(statistics: NoteStatistics) -> list[tuple[str, int]]:
    names = [f"Under {amounts.number(LENGTHS[0])}"]
    names += [
        f"{amounts.number(low)} to {amounts.number(high - 1)}"
        for low, high in itertools.pairwise(LENGTHS)
    ]
    names.append(f"From {amounts.number(LENGTHS[-1])}")
    return list(zip(names, statistics.lengths, strict=True))


_KINDS = {
    "chat": "Chats",
    "conversation": "Talks with AI",
    "docx": "Word",
    "epub": "Books",
    "evernote": "Evernote",
    "feed": "Feeds",
    "html": "HTML",
    "mail": "Mail",
    "markdown": "Markdown",
    "notebook": "Notebooks",
    "odt": "OpenDocument",
    "outline": "Outlines",
    "pdf": "PDF",
    "pptx": "Slides",
    "rst": "reStructuredText",
    "rtf": "RTF",
    "samples": "Samples",
    "table": "Tables",
    "text": "Plain text",
    "web page": "Web pages",
}
