"""Shows a model's Markdown without trusting it: no HTML, no pictures, nothing that opens."""

from __future__ import annotations

import re
from collections.abc import Iterator

from PySide6.QtCore import QSize, Qt, QUrl
from PySide6.QtGui import (
    QFont,
    QResizeEvent,
    QTextBlock,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextFragment,
    QTextOption,
    QWheelEvent,
)
from PySide6.QtWidgets import QFrame, QTextBrowser, QWidget

from app.style import Space, Type, sized

# An answer is at most a few thousand words; what is longer was not meant to be read.
_LONGEST = 20_000
_MOST_LINES = 1_500
# What no person writes, and what takes Qt's reader or layout seconds: deep nesting, endless words.
_STRANGE = re.compile(r"^[ \t>*+\-\d.)#|]{40,}|\S{1000,}", re.MULTILINE)
_MOST_PICTURES = 40
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_LINE_HEIGHT_PERCENT = 120
_EMPTY_LINES = re.compile(r"\n{3,}")
_FEATURES = QTextDocument.MarkdownFeature.MarkdownDialectGitHub | (
    QTextDocument.MarkdownFeature.MarkdownNoHTML
)
_PROPORTIONAL = QTextBlockFormat.LineHeightTypes.ProportionalHeight.value


class SafeMarkdown(QTextBrowser):
    """As tall as its text is at its width, so the page scrolls and not this."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setOpenLinks(False)
        self.setOpenExternalLinks(False)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
            | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.setProperty("kind", "clear")
        self.document().setDocumentMargin(0)
        self.document().setUndoRedoEnabled(False)
        sized(self, SafeMarkdown._fit)

    def show_markdown(self, text: str) -> None:
        """Show a text that anyone may have written."""
        fill(self.document(), text)
        self._fit()

    def show_plain(self, text: str) -> None:
        """Show a text as it is."""
        self.document().setPlainText(_shortened(text.replace("\0", _REPLACEMENT)))
        self._fit()

    def loadResource(self, kind: int, name: QUrl | str) -> object:
        # Whatever the text refers to, on this disk or elsewhere, is not fetched.
        return None

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._fit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()

    def minimumSizeHint(self) -> QSize:
        return QSize(0, 0)

    def _fit(self) -> None:
        self.document().setTextWidth(self.viewport().width())
        self.setFixedHeight(round(self.document().size().height()) + 1)


def fill(document: QTextDocument, text: str) -> None:
    """Put Markdown into a document and make everything in it harmless."""
    text = _shortened(_EMPTY_LINES.sub("\n\n", text.replace("\0", _REPLACEMENT)))
    if _STRANGE.search(text) or text.count("![") > _MOST_PICTURES:
        document.setPlainText(text)
        return
    document.setMarkdown(text, _FEATURES)
    edit = QTextCursor(document)
    edit.beginEditBlock()
    _disarm(document)
    _space_out(document)
    edit.endEditBlock()


def _shortened(text: str) -> str:
    lines = text.split("\n", _MOST_LINES)
    short = "\n".join(lines[:_MOST_LINES])[:_LONGEST]
    return short if len(short) == len(text) else f"{short} …"


def _disarm(document: QTextDocument) -> None:
    # Backwards, so that a replacement does not move what is still to come.
    for start, length, format_ in reversed(list(_fragments(document))):
        if not (format_.isImageFormat() or format_.isAnchor()):
            continue
        cursor = QTextCursor(document)
        cursor.setPosition(start)
        cursor.setPosition(start + length, QTextCursor.MoveMode.KeepAnchor)
        if format_.isImageFormat():
            cursor.insertText(f"[picture: {format_.toImageFormat().name()}]", QTextCharFormat())
            continue
        words, target = cursor.selectedText(), format_.anchorHref()
        shown = words if target in ("", words) else f"{words} ({target})"
        cursor.insertText(shown, QTextCharFormat())


def _fragments(document: QTextDocument) -> Iterator[tuple[int, int, QTextCharFormat]]:
    block = document.begin()
    while block.isValid():
        iterator = block.begin()
        while not iterator.atEnd():
            fragment: QTextFragment = iterator.fragment()
            yield fragment.position(), fragment.length(), fragment.charFormat()
            iterator += 1
        block = block.next()


def _space_out(document: QTextDocument) -> None:
    block = document.begin()
    while block.isValid():
        following = block.next()
        room = QTextBlockFormat()
        room.setTopMargin(0)
        room.setLineHeight(_LINE_HEIGHT_PERCENT, _PROPORTIONAL)
        joins = block.textList() is not None and following.textList() is not None
        joins |= _is_code(block) and _is_code(following)
        room.setBottomMargin(0 if joins or not following.isValid() else Space.ONE)
        cursor = QTextCursor(block)
        cursor.mergeBlockFormat(room)
        if block.blockFormat().headingLevel():
            cursor.select(QTextCursor.SelectionType.BlockUnderCursor)
            cursor.mergeCharFormat(_heading())
        block = following


def _is_code(block: QTextBlock) -> bool:
    return block.blockFormat().hasProperty(QTextBlockFormat.Property.BlockCodeFence)


def _heading() -> QTextCharFormat:
    # As large as the headings of the window itself, not as Qt would have it.
    heading = QTextCharFormat()
    heading.setProperty(QTextCharFormat.Property.FontPixelSize, Type.LARGE)
    heading.setProperty(QTextCharFormat.Property.FontSizeAdjustment, 0)
    heading.setFontWeight(QFont.Weight.DemiBold)
    return heading
