"""Finds words in the open conversation."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QObject, QPoint
from PySide6.QtGui import QPalette, QTextCursor
from PySide6.QtWidgets import QPlainTextEdit, QTextEdit, QWidget

from app.chat.thoughts_view import THOUGHTS
from app.chat.transcript import Transcript
from app.style import Space
from app.widgets.find_bar import FindBar
from mlx_backend.text.folding import places

_Text = QTextEdit | QPlainTextEdit


@dataclass(frozen=True)
class _Place:
    text: _Text
    cursor: QTextCursor


class FindInConversation(QObject):
    """Marks the words of a find bar in a transcript, and scrolls from one place to the next."""

    def __init__(self, bar: FindBar, transcript: Transcript) -> None:
        super().__init__(transcript)
        self._bar = bar
        self._transcript = transcript
        self._marked: list[_Text] = []
        self._at = -1
        bar.changed.connect(self._find)
        bar.step_wanted.connect(self._step)
        bar.closed.connect(self._unmark)

    def look_again(self) -> None:
        """Search again, because another conversation is open or more was said."""
        if self._bar.isVisible():
            self._find(self._bar.field.text())

    def _find(self, words: str) -> None:
        """Begin with the last place, which is the nearest to what is being said."""
        self._transcript.lay_out_to(words)
        places = self._places(words)
        self._at = len(places) - 1
        self._show(places)

    def _step(self, step: int) -> None:
        places = self._places(self._bar.field.text())
        if places:
            self._at = (self._at + step) % len(places)
        self._show(places)

    def _places(self, words: str) -> list[_Place]:
        return [
            _Place(text, cursor)
            for view in self._transcript.views
            for text in _texts(view)
            for cursor in _cursors(text, words)
        ]

    def _show(self, places: list[_Place]) -> None:
        self._unmark()
        self._at = min(self._at, len(places) - 1)
        self._marked = list(dict.fromkeys(place.text for place in places))
        for text in self._marked:
            text.setExtraSelections(
                [
                    _selection(place, is_current=at == self._at)
                    for at, place in enumerate(places)
                    if place.text is text
                ]
            )
        self._bar.show_count(self._at + 1, len(places))
        if places:
            self._bring_up(places[self._at])

    def _bring_up(self, place: _Place) -> None:
        inside = self._transcript.inside
        box = place.text.cursorRect(place.cursor)
        where = place.text.viewport().mapTo(inside, QPoint(box.left(), box.center().y()))
        self._transcript.ensureVisible(where.x(), where.y(), Space.SIX, 2 * Space.SIX)

    def _unmark(self) -> None:
        for text in self._marked:
            text.setExtraSelections([])
        self._marked = []


def _texts(view: QWidget) -> list[_Text]:
    """The texts of an exchange that can be seen, in the order in which they are read."""
    found = [text for text in view.findChildren(QWidget) if isinstance(text, _Text)]
    there = [text for text in found if text.isVisibleTo(view) and text.property("kind") != THOUGHTS]

    def place(text: _Text) -> tuple[int, int]:
        corner = text.mapTo(view, QPoint(0, 0))
        return corner.y(), corner.x()

    return sorted(there, key=place)


def _cursors(text: _Text, words: str) -> list[QTextCursor]:
    """The places of some words, however they are written: Qt knows no other spelling of "ß"."""
    block = text.document().begin()
    found: list[QTextCursor] = []
    while block.isValid():
        shown = block.text().replace("\N{NO-BREAK SPACE}", " ")
        for start, end in places(shown, words):
            cursor = QTextCursor(block)
            cursor.setPosition(block.position() + _units(shown[:start]))
            keep = QTextCursor.MoveMode.KeepAnchor
            cursor.setPosition(block.position() + _units(shown[:end]), keep)
            found.append(cursor)
        block = block.next()
    return found


def _units(text: str) -> int:
    """How many places of a document a text takes."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _selection(place: _Place, is_current: bool) -> QTextEdit.ExtraSelection:
    palette, role = place.text.palette(), QPalette.ColorRole
    selection = QTextEdit.ExtraSelection()
    selection.cursor = place.cursor
    if is_current:
        selection.format.setBackground(palette.color(role.Highlight))
        selection.format.setForeground(palette.color(role.HighlightedText))
    else:
        selection.format.setBackground(palette.color(role.Mid))
    return selection
