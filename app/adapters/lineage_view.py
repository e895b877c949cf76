"""Where an adapter came from, with links to the others and a way back to the one before."""

from __future__ import annotations

import functools
import time
from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from app.adapters.lineage import Piece, Sentence, came_from, lineage
from app.style import Size, Space, sized
from app.widgets.flow_layout import FlowLayout
from app.widgets.labels import button, label, on_button, paragraph, tip
from mlx_backend.library.adapters import Adapter

_WAY_BACK = "The chat asks that one from now on. Both stay; you can choose the other again."


class LineageView(QWidget):
    """Sentences; hidden where there is nothing to say."""

    wanted = Signal(str)
    """Show the adapter of this name."""

    use_again_wanted = Signal(str, str)
    """Let the adapter of the first name answer again, from which that of the second went on."""

    def __init__(self) -> None:
        super().__init__()
        self._shown: tuple[Sentence, ...] = ()
        self._before: tuple[str, str] = ("", "")
        self._lines: list[QWidget] = []
        self.use_again = button("Use It Again")
        self.use_again.setAccessibleDescription(_WAY_BACK)
        self.use_again.clicked.connect(lambda: self.use_again_wanted.emit(*self._before))
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(0)
        self._column.addWidget(self.use_again, alignment=Qt.AlignmentFlag.AlignLeft)
        self.hide()

    @property
    def sentences(self) -> tuple[str, ...]:
        """What is said."""
        return tuple(sentence.text for sentence in self._shown)

    def link_to(self, name: str) -> QPushButton:
        """The link that leads to an adapter."""
        found = (each for each in self.findChildren(QPushButton) if each.property("to") == name)
        return next(found)

    def show_adapter(self, adapter: Adapter, there: Sequence[Adapter]) -> None:
        """Tell of this adapter, among all that are there."""
        self._show_lines(lineage(adapter, there, time.time()))
        before = came_from(adapter, there)
        self.use_again.setVisible(before is not None)
        if before is not None:
            self._before = (before.name, adapter.name)
            self.use_again.setText(on_button(f"Use “{_short(self.use_again, before.name)}” Again"))
            self.use_again.setToolTip(tip(f"“{before.name}”\n{_WAY_BACK}"))
        self.setVisible(bool(self._shown))

    def _show_lines(self, sentences: tuple[Sentence, ...]) -> None:
        if sentences == self._shown:
            return
        self._shown = sentences
        for line in self._lines:
            self._column.removeWidget(line)
            line.hide()
            line.deleteLater()
        self._lines = [self._line(sentence) for sentence in sentences]
        for place, line in enumerate(self._lines):
            self._column.insertWidget(place, line)

    def _line(self, sentence: Sentence) -> QWidget:
        if not any(piece.leads_to for piece in sentence.pieces):
            return paragraph(sentence.text, "quiet")
        line = QWidget()
        flow = FlowLayout(line, 0)
        links = {piece: self._link(piece) for piece in sentence.pieces if piece.leads_to}
        like = next(iter(links.values()))
        for piece in sentence.pieces:
            flow.addWidget(links[piece] if piece.leads_to else _word(piece.text, like))
        return line

    def _link(self, piece: Piece) -> QPushButton:
        link = button("", "link")
        link.setProperty("to", piece.leads_to)
        short = _short(link, piece.leads_to)
        link.setText(on_button(piece.text.replace(piece.leads_to, short, 1)))
        link.setToolTip(tip("" if short == piece.leads_to else piece.leads_to))
        link.setAccessibleName(f"Show “{piece.leads_to}”")
        link.clicked.connect(functools.partial(self.wanted.emit, piece.leads_to))
        return link


def _word(text: str, like: QPushButton) -> QLabel:
    """A part of a sentence between links, as high as they are, so that all are on one line."""
    like.ensurePolished()
    made = label(text, "quiet")
    return sized(made, lambda it: it.setFixedHeight(like.sizeHint().height()))


def _short(shown: QPushButton, name: str) -> str:
    """A name, shortened where it would take too much room."""
    middle = Qt.TextElideMode.ElideMiddle
    return shown.fontMetrics().elidedText(name, middle, Size.FIELD - Space.FOUR)
