"""A note's Markdown, formatted, with marks on what an answer cites and what is not taught."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QTextCursor
from PySide6.QtWidgets import QScrollArea, QVBoxLayout, QWidget

from app.notes.marked_text import look_of
from app.notes.text_marks import Becomes, TextMark
from app.notes.word_places import WordPlaces
from app.style import Space, Style
from app.text.qt_places import QtPlaces
from app.widgets.fitted_text import FittedText, Highlight
from app.widgets.markdown_document import is_strange
from app.widgets.markdown_parts import Part, PartKind, parts_of
from app.widgets.safe_markdown import PartView, as_it_is, part_view, show_part, text_of

# Text is laid out in pieces, as many at a time as go unnoticed.
_PIECE = 4_000
_AT_ONCE_S = 0.02
_MOST_PARTS = 300


@dataclass(frozen=True)
class _Shown:
    """A part of the note, its view, and where it is marked in it."""

    part: Part
    view: PartView

    @property
    def text(self) -> FittedText:
        return text_of(self.view)


class FormattedNote(QScrollArea):
    """Shows a note for reading, from its top on; the rest follows in a moment."""

    told = Signal(str)
    """The sentence about the part at the cursor; "" where there is none."""

    not_marked = Signal()
    """The cited words are not in the formatted text; the source has them."""

    def __init__(self, style: Style) -> None:
        super().__init__()
        self._style = style
        self._text = ""
        self._marks: Sequence[TextMark] = ()
        self._waiting: list[Part] = []
        self._shown: list[_Shown] = []
        self._goes_to_cited = False
        self._target: tuple[FittedText, int] | None = None
        self._building = QTimer(self, singleShot=True, interval=0)
        self._building.timeout.connect(self._build)
        self._page = QWidget()
        # Not at once: the parts take their places after the page has taken its height.
        self._centring = QTimer(self, singleShot=True, interval=0)
        self._centring.timeout.connect(self._centre)
        self._column = QVBoxLayout()
        self._lay_out()
        style.changed.connect(self._mark_all)
        bar = self.verticalScrollBar()
        bar.rangeChanged.connect(lambda *_: self._centring.start())
        bar.actionTriggered.connect(lambda _: self._let_go())

    def show_text(self, text: str, marks: Sequence[TextMark]) -> None:
        """Show a text with its marks; where only these changed, the place is kept."""
        self._marks = [mark for mark in marks if mark.becomes is not Becomes.PASSAGE]
        if text == self._text:
            self._mark_all()
            return
        self._text, self._goes_to_cited, self._target = text, False, None
        for shown in self._shown:
            self._column.removeWidget(shown.view)
            shown.view.deleteLater()
        self._shown = []
        self._waiting = _parts(text)
        self.verticalScrollBar().setValue(0)
        self._build()

    def show_cited(self) -> None:
        """Scroll to the cited words as soon as they are laid out."""
        self._goes_to_cited = any(mark.becomes is Becomes.CITED for mark in self._marks)
        self._go_to_cited()

    def highlights(self) -> list[str]:
        """The texts that are highlighted."""
        return [
            selection.cursor.selectedText()
            for shown in self._shown
            for selection in shown.text.extraSelections()
        ]

    def _build(self) -> None:
        until = time.monotonic() + _AT_ONCE_S
        while self._waiting:
            self._add(self._waiting.pop(0))
            if time.monotonic() > until:
                break
        if self._waiting:
            self._building.start()
        self._go_to_cited()

    def _add(self, part: Part) -> None:
        view = part_view(part.kind, self._style)
        shown = _Shown(part, view)
        if isinstance(view, FittedText):
            view.setProperty("kind", "reading")
            view.setAccessibleName("Text of the note")
        view.resize(self._room(), view.height())
        shown.text.cursorPositionChanged.connect(lambda: self._tell(shown.text))
        self._shown.append(shown)
        self._column.insertWidget(self._column.count() - 1, view)
        show_part(view, part)
        self._mark(shown)

    def _room(self) -> int:
        margins = self._column.contentsMargins()
        return max(0, self.viewport().width() - margins.left() - margins.right())

    def _tell(self, text: FittedText) -> None:
        self.told.emit(text.sentence_at(text.textCursor().position()))

    # --- marks ---

    def _mark_all(self) -> None:
        for shown in self._shown:
            self._mark(shown)

    def _mark(self, shown: _Shown) -> None:
        counted = QtPlaces(self._text)
        part = shown.part
        inside = [
            (mark, counted.in_python(mark.start), counted.in_python(mark.end))
            for mark in self._marks
        ]
        inside = [each for each in inside if each[1] < part.end and each[2] > part.start]
        highlights = []
        if inside:
            text = shown.text.document().toPlainText()
            words = WordPlaces(self._text[part.start : part.end], text)
            for mark, start, end in inside:
                found = words.shown(start - part.start, end - part.start)
                if found is not None:
                    look = look_of(mark, self._style.colours)
                    highlights.append(Highlight(*found, look, mark.sentence))
        shown.text.highlight(highlights)

    def _go_to_cited(self) -> None:
        cited = next((m.sentence for m in self._marks if m.becomes is Becomes.CITED), None)
        if not self._goes_to_cited or cited is None:
            return
        for shown in self._shown:
            place = shown.text.place_of(cited)
            if place is not None:
                self._goes_to_cited = False
                self._target = shown.text, place
                cursor = _cursor_at(*self._target)
                shown.text.setTextCursor(cursor)
                self.told.emit(cited)
                self._centring.start()
                return
        if not self._waiting:
            self._goes_to_cited = False
            self.not_marked.emit()

    def _centre(self) -> None:
        """Keep the cited place in the middle while text above it is still being laid out."""
        if self._target is None:
            return
        text, place = self._target
        line = text.cursorRect(_cursor_at(text, place)).center()
        line = text.viewport().mapTo(self._page, line)
        self.verticalScrollBar().setValue(line.y() - self.viewport().height() // 2)

    def _let_go(self) -> None:
        self._target = None

    def _lay_out(self) -> None:
        self._column.setContentsMargins(0, 0, 0, Space.TWO)
        self._column.setSpacing(Space.ONE)
        self._column.addStretch(1)
        self._page.setLayout(self._column)
        self.setWidget(self._page)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)


def _cursor_at(text: FittedText, place: int) -> QTextCursor:
    cursor = QTextCursor(text.document())
    cursor.setPosition(place)
    return cursor


def _parts(text: str) -> list[Part]:
    parts = parts_of(text, _PIECE)
    parts = [as_it_is(part) if is_strange(part) else part for part in parts]
    rest = parts[_MOST_PARTS:]
    if not rest:
        return parts
    start = rest[0].start
    return [*parts[:_MOST_PARTS], Part(PartKind.PLAIN, text[start:], start, len(text))]
