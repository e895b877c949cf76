"""Text that is as tall as its lines, so that the page scrolls and not the text."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QSignalBlocker, QSize, Qt, QUrl
from PySide6.QtGui import (
    QHelpEvent,
    QImage,
    QResizeEvent,
    QTextCharFormat,
    QTextCursor,
    QTextOption,
    QWheelEvent,
)
from PySide6.QtWidgets import QFrame, QTextBrowser, QTextEdit, QToolTip

from app.widgets.labels import tip

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
# An answer is at most a few thousand words; what is longer was not meant to be read.
_LONGEST = 20_000
_MOST_LINES = 1_500


@dataclass(frozen=True)
class Highlight:
    """Characters `start` to `end` of a document that look different, and what that means."""

    start: int
    end: int
    look: QTextCharFormat
    sentence: str


class FittedText(QTextBrowser):
    """Shows text for reading; each paragraph runs as its own letters do.

    A line that is too long is broken: within a word if need be, unless words stay whole. Where
    `scrolls`, what still does not fit is scrolled sideways. Nothing opens and nothing is fetched.
    """

    def __init__(self, scrolls: bool = False, whole_words: bool = False) -> None:
        super().__init__()
        self._scrolls = scrolls
        if scrolls:
            # Code and tables begin at their left; each paragraph still runs as its letters do.
            self.setLayoutDirection(Qt.LayoutDirection.LeftToRight)
        self.highlights: Sequence[Highlight] = ()
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setOpenLinks(False)
        self.setOpenExternalLinks(False)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
            | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        wrap = QTextOption.WrapMode
        self.setWordWrapMode(wrap.WordWrap if whole_words else wrap.WrapAtWordBoundaryOrAnywhere)
        self.setProperty("kind", "clear")
        self.document().setDocumentMargin(0)
        self.document().setUndoRedoEnabled(False)

    def show_plain(self, text: str) -> None:
        """Show a text as it is."""
        with self.unmoved():
            self.document().setPlainText(shortened(text))
        self.fit()

    @contextlib.contextmanager
    def unmoved(self) -> Iterator[None]:
        """Keep the scroll position, and emit no signals, while the text is replaced."""
        bar = self.horizontalScrollBar()
        value = bar.value()
        with QSignalBlocker(self):
            yield
            self.setTextCursor(
                QTextCursor(self.document())
            )  # else it scrolls to the end of the text
        bar.setValue(value)

    def fit(self) -> None:
        """Take the height that the text needs at this width."""
        document = self.document()
        document.setTextWidth(self.viewport().width())
        height = round(document.size().height()) + 1
        if self._scrolls:
            is_wide = document.size().width() > self.viewport().width()
            policy = Qt.ScrollBarPolicy
            self.setHorizontalScrollBarPolicy(
                policy.ScrollBarAlwaysOn if is_wide else policy.ScrollBarAlwaysOff
            )
            height += self.horizontalScrollBar().sizeHint().height() if is_wide else 0
        self.setFixedHeight(height)

    def highlight(self, highlights: Sequence[Highlight]) -> None:
        """Highlight these; pointing at one tells what it means."""
        if not highlights and not self.highlights:
            return
        self.highlights = highlights
        selections = []
        for each in highlights:
            selection = QTextEdit.ExtraSelection()
            cursor = QTextCursor(self.document())
            cursor.setPosition(each.start)
            cursor.setPosition(each.end, QTextCursor.MoveMode.KeepAnchor)
            selection.cursor, selection.format = cursor, each.look
            selections.append(selection)
        self.setExtraSelections(selections)

    def sentence_at(self, place: int) -> str:
        """The sentence of the highlight at a character; "" for none."""
        found = (each.sentence for each in self.highlights if each.start <= place < each.end)
        return next(found, "")

    def place_of(self, sentence: str) -> int | None:
        """Where the highlight with this sentence begins; None for none."""
        found = (each.start for each in self.highlights if each.sentence == sentence)
        return next(found, None)

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            place = self.cursorForPosition(event.pos()).position()
            QToolTip.showText(event.globalPos(), tip(self.sentence_at(place)), self)
            return True
        return super().viewportEvent(event)

    def loadResource(self, kind: int, name: QUrl | str) -> object:
        # Whatever the text refers to, on this disk or elsewhere, is not fetched. Where Qt gets
        # nothing, or no picture, it opens the file itself.
        return _empty_picture()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self.fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self.fit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        turned = event.angleDelta()
        is_sideways = abs(turned.x()) > abs(turned.y())
        if self._scrolls and is_sideways and self.horizontalScrollBar().maximum():
            super().wheelEvent(event)
        else:
            event.ignore()

    def minimumSizeHint(self) -> QSize:
        return QSize(0, 0)


def _empty_picture() -> QImage:
    picture = QImage(1, 1, QImage.Format.Format_ARGB32)
    picture.fill(Qt.GlobalColor.transparent)
    return picture


def shortened(text: str) -> str:
    """A text cut to the most that is shown, without characters that widgets cannot hold."""
    text = text.replace("\0", _REPLACEMENT)
    lines = text.split("\n", _MOST_LINES)
    short = "\n".join(lines[:_MOST_LINES])[:_LONGEST]
    return short if len(short) == len(text) else f"{short} …"
