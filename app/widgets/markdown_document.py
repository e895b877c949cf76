"""Puts Markdown that anyone may have written into a document: no HTML, no pictures, no links."""

from __future__ import annotations

import re
from collections.abc import Iterator

from PySide6.QtCore import QUrl
from PySide6.QtGui import (
    QBrush,
    QFont,
    QTextBlock,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextFragment,
    QTextFrameFormat,
    QTextTable,
)

from app.style import Space, Type
from app.widgets.markdown_parts import Part, PartKind

# What no person writes, and what takes Qt's reader or layout seconds: deep nesting, endless words.
_STRANGE = re.compile(r"^[ \t>*+\-\d.)#|]{40,}|\S{1000,}", re.MULTILINE)
_STRANGE_TABLE = re.compile(r"^.{3000}|\S{1000,}|^(?:[^|\n]*\|){60}", re.MULTILINE)
_MOST_PICTURES = 40
_MOST_CELLS = 1_000  # Qt takes a third of a millisecond for each
_LINE_HEIGHT_PERCENT = 120
_EMPTY_LINES = re.compile(r"\n{3,}")
_FEATURES = QTextDocument.MarkdownFeature.MarkdownDialectGitHub | (
    QTextDocument.MarkdownFeature.MarkdownNoHTML
)
_PROPORTIONAL = QTextBlockFormat.LineHeightTypes.ProportionalHeight.value


def is_strange(part: Part) -> bool:
    """Whether a part is shown as it is, because its Markdown would take too long."""
    strange = {PartKind.TEXT: _STRANGE, PartKind.TABLE: _STRANGE_TABLE}.get(part.kind)
    if strange is None:
        return False
    if part.kind is PartKind.TABLE and part.text.count("|") > _MOST_CELLS:
        return True
    return strange.search(part.text) is not None or part.text.count("![") > _MOST_PICTURES


def fill(document: QTextDocument, text: str, links: bool = False) -> None:
    """Put Markdown into a document and make everything in it harmless.

    links: whether addresses of the web stay links, for whoever shows where they lead first.
    """
    document.setIndentWidth(Space.THREE)
    document.setMarkdown(_EMPTY_LINES.sub("\n\n", text), _FEATURES)
    edit = QTextCursor(document)
    edit.beginEditBlock()
    _disarm(document, links)
    _slant(document)
    _space_out(document)
    edit.endEditBlock()


def rule_tables(document: QTextDocument, lines: QBrush) -> None:
    """Give all tables thin lines, and their cells some padding."""
    for frame in document.rootFrame().childFrames():
        if isinstance(frame, QTextTable):
            look = frame.format()
            look.setBorderCollapse(True)
            look.setBorderStyle(QTextFrameFormat.BorderStyle.BorderStyle_Solid)
            look.setBorderBrush(lines)
            look.setBorder(1)
            look.setCellSpacing(0)
            look.setCellPadding(Space.HALF)
            frame.setFormat(look)


def is_web_address(target: str) -> bool:
    """Whether a link leads to the web, and nowhere else: no file, no script, no other program."""
    url = QUrl(target, QUrl.ParsingMode.StrictMode)
    return url.isValid() and url.scheme() in ("http", "https") and bool(url.host())


def _disarm(document: QTextDocument, links: bool) -> None:
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
        words, target = cursor.selectedText(), format_.anchorHref().removeprefix("mailto:")
        if links and is_web_address(target):
            if "." in words and words not in (target, target.removesuffix("/")):
                cursor.setPosition(cursor.selectionEnd())
                cursor.insertText(f" ({target})", QTextCharFormat())  # it may claim to be another
            continue
        shown = words if target in ("", words) else f"{words} ({target})"
        cursor.insertText(shown, QTextCharFormat())


def _slant(document: QTextDocument) -> None:
    """Let `_emphasis_` be slanted as `*emphasis*` is: Qt draws a line below it, like a link."""
    slanted = QTextCharFormat()
    slanted.setFontUnderline(False)
    slanted.setFontItalic(True)
    for start, length, format_ in list(_fragments(document)):
        if format_.fontUnderline() and not format_.isAnchor():
            cursor = QTextCursor(document)
            cursor.setPosition(start)
            cursor.setPosition(start + length, QTextCursor.MoveMode.KeepAnchor)
            cursor.mergeCharFormat(slanted)


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
        room.setNonBreakableLines(False)  # of code in quotes and lists, which has no box of its own
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
