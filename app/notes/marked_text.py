"""A text with marks: the margin shows what is taught, the text itself what is not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QHelpEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QTextBlock,
    QTextCharFormat,
    QTextCursor,
)
from PySide6.QtWidgets import QPlainTextEdit, QTextEdit, QToolTip, QWidget

from app.notes.text_marks import Becomes, TextMark
from app.style import Colours, Size, Space, Style
from app.widgets.labels import lean, tip


class MarkedText(QPlainTextEdit):
    """Shows text for reading. Hovering, or moving the cursor, tells what becomes of a part."""

    told = Signal(str)
    """The sentence about the part at the cursor; "" where there is none."""

    def __init__(self, style: Style) -> None:
        super().__init__()
        self._style = style
        self._marks: tuple[TextMark, ...] = ()
        self._is_used = True
        self._margin = _Margin(self)
        self.setReadOnly(True)
        # The marks are at the left; each paragraph still has the direction of its letters.
        self.setLayoutDirection(Qt.LayoutDirection.LeftToRight)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setProperty("kind", "reading")
        self.document().setDocumentMargin(0)
        self.setAccessibleName("Text of the note")
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
            | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.setViewportMargins(Space.TWO, 0, 0, 0)
        self.updateRequest.connect(lambda *_: self._margin.update())
        self.cursorPositionChanged.connect(self._tell)
        style.changed.connect(self._colour)

    def show_text(self, text: str, marks: Sequence[TextMark], is_used: bool) -> None:
        """Show a text with its marks; where only these changed, the place is kept."""
        if text != self.toPlainText():
            self._marks = ()
            self.setPlainText(text)
            lean(self)
        self._marks, self._is_used = tuple(marks), is_used
        self._colour()
        self._margin.update()
        self._tell()

    def show_cited(self) -> None:
        """Scroll to the cited words."""
        cited = next((mark for mark in self._marks if mark.becomes is Becomes.CITED), None)
        last = self.document().characterCount() - 1
        if cited is not None:
            cursor = QTextCursor(self.document())
            cursor.setPosition(min(cited.start, last))
            self.setTextCursor(cursor)
            self.centerCursor()

    def marks_at(self, place: int) -> list[TextMark]:
        """The marks on a character, what is not taught first."""
        found = [mark for mark in self._marks if mark.start <= place < mark.end]
        return sorted(found, key=_rank)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        inside = self.contentsRect()
        self._margin.setGeometry(inside.left(), inside.top(), Space.TWO, inside.height())

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            place = self.cursorForPosition(event.pos()).position()
            self.show_help(event.globalPos(), place)
            return True
        return super().viewportEvent(event)

    def show_help(self, where: QPoint, place: int) -> None:
        """Tell beside the pointer what becomes of the character at `place`."""
        marks = self.marks_at(place)
        QToolTip.showText(where, tip(marks[0].sentence) if marks else "", self)

    def lines(self) -> Iterator[tuple[QRect, TextMark]]:
        """The marks in the margin with their places: one for each visible line, top to bottom."""
        offset, block = self.contentOffset(), self.firstVisibleBlock()
        while block.isValid():
            box = self.blockBoundingGeometry(block).translated(offset)
            if box.top() > self.viewport().height():
                return
            yield from self._lines_of(block, box.topLeft())
            block = block.next()

    def _lines_of(self, block: QTextBlock, corner: QPointF) -> Iterator[tuple[QRect, TextMark]]:
        layout = block.layout()
        for number in range(layout.lineCount()):
            line = layout.lineAt(number)
            first = block.position() + line.textStart()
            marks = [
                m for m in self._marks if m.start < first + line.textLength() and m.end > first
            ]
            if marks:
                top = round(corner.y() + line.y())
                box = QRect(0, top, Space.TWO, round(line.height()))
                yield box, min(marks, key=_rank)

    def _tell(self) -> None:
        marks = self.marks_at(self.textCursor().position())
        self.told.emit(marks[0].sentence if marks else "")

    def _colour(self) -> None:
        """Show in the text what is not taught."""
        self.setExtraSelections([])
        if not self._marks:
            return
        selections = []
        last = self.document().characterCount() - 1
        for mark in self._marks:
            if mark.becomes is not Becomes.PASSAGE and mark.start < last:
                selections.append(self._selection(mark, min(mark.end, last)))
        self.setExtraSelections(selections)

    def _selection(self, mark: TextMark, end: int) -> QTextEdit.ExtraSelection:
        selection = QTextEdit.ExtraSelection()
        cursor = QTextCursor(self.document())
        cursor.setPosition(mark.start)
        cursor.setPosition(end, QTextCursor.MoveMode.KeepAnchor)
        selection.cursor = cursor
        selection.format = look_of(mark, self._style.colours)
        return selection

    def margin_colour(self, mark: TextMark) -> QColor:
        """The colour of a mark in the margin."""
        colours = self._style.colours
        if mark.becomes is Becomes.MASKED:
            return colours.warning
        if mark.becomes is Becomes.CITED or (mark.becomes is Becomes.PASSAGE and self._is_used):
            return colours.accent_text
        return colours.hairline


def look_of(mark: TextMark, colours: Colours) -> QTextCharFormat:
    """How the text of a mark looks, where it is not simply taught."""
    look = QTextCharFormat()
    if mark.becomes is Becomes.CITED:
        look.setBackground(colours.tint)
    else:
        look.setForeground(colours.quiet)
    if mark.becomes is Becomes.MASKED:
        look.setBackground(colours.tint)
    elif mark.becomes is Becomes.LEFT_OUT:
        look.setFontStrikeOut(True)
    return look


def _rank(mark: TextMark) -> int:
    """The order of several marks on one character, the most important first."""
    order = {Becomes.CITED: 0, Becomes.PASSAGE: 2}
    return order.get(mark.becomes, 1)


class _Margin(QWidget):
    """The strip left of the text. A gap shows where one passage ends and the next begins."""

    def __init__(self, text: MarkedText) -> None:
        super().__init__(text)
        self._text = text
        self.setMouseTracking(True)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        before: TextMark | None = None
        for box, mark in self._text.lines():
            gap = Space.HALF if before is not None and mark is not before else 0
            stroke = QRect(Space.HALF, box.top() + gap, Size.CURVE, box.height() - gap)
            painter.fillRect(stroke, self._text.margin_colour(mark))
            before = mark
        painter.end()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        for box, mark in self._text.lines():
            if box.top() <= event.position().y() < box.bottom():
                QToolTip.showText(event.globalPosition().toPoint(), tip(mark.sentence), self)
                return
        QToolTip.hideText()
