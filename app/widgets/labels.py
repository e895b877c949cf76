"""Labels and buttons of the few kinds that there are, and tooltips.

All show text as it is: no note's words become markup, no "&" underlines a letter, and no name that
runs to the left turns the sentence around it.
"""

from __future__ import annotations

import html

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import (
    QClipboard,
    QContextMenuEvent,
    QGuiApplication,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
)
from PySide6.QtGui import Qt as RichText
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPlainTextEdit,
    QPushButton,
    QWidget,
)

from app.style import Size, sized
from app.text.directions import bare, breakable, in_sentence, runs_left
from app.widgets import icons

_RIGHT = (
    Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignAbsolute | Qt.AlignmentFlag.AlignVCenter
)


class Label(QLabel):
    """A line of text. `text` is what was set, without the signs that only help to draw it.

    Where it can be selected, these signs are not copied either.
    """

    def __init__(self, text: str = "") -> None:
        super().__init__()
        self._plain = ""
        self.setTextFormat(Qt.TextFormat.PlainText)
        lead(self)
        self.setText(text)

    def setText(self, text: str) -> None:
        self._plain = text
        super().setText(self._drawn(text))

    def text(self) -> str:
        return self._plain

    def selectedText(self) -> str:
        return bare(super().selectedText())

    def copy(self) -> None:
        """Copy what is selected."""
        QGuiApplication.clipboard().setText(self.selectedText())

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if not self.textInteractionFlags() & Qt.TextInteractionFlag.TextSelectableByMouse:
            super().contextMenuEvent(event)
            return
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction("Copy", self.copy).setEnabled(self.hasSelectedText())
        menu.addAction("Select All", lambda: self.setSelection(0, len(self._drawn(self._plain))))
        menu.popup(event.globalPos())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy) and self.hasSelectedText():
            self.copy()
        else:
            super().keyPressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        clipboard = QGuiApplication.clipboard()
        if clipboard.supportsSelection() and self.hasSelectedText():
            clipboard.setText(self.selectedText(), QClipboard.Mode.Selection)

    def _drawn(self, text: str) -> str:
        return in_sentence(text)


class Paragraph(Label):
    """Text that breaks its lines, long words too, and that can be selected with the mouse."""

    def __init__(self, text: str = "") -> None:
        super().__init__(text)
        self.setWordWrap(True)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)  # so that what is selected can be copied

    def _drawn(self, text: str) -> str:
        return breakable(in_sentence(text))


def lead(shown: QLabel) -> None:
    """Align a label to the side where the window begins; by default it follows its letters."""
    if shown.layoutDirection() is Qt.LayoutDirection.RightToLeft:
        shown.setAlignment(_RIGHT)


def label(text: str = "", kind: str = "body") -> QLabel:
    """A label; kinds: title, heading, large, strong, body, quiet, small, section, warning."""
    made = Label(text)
    made.setProperty("kind", kind)
    return made


def paragraph(text: str = "", kind: str = "body") -> QLabel:
    """A label that breaks its lines, and whose text can be selected."""
    made = Paragraph(text)
    made.setProperty("kind", kind)
    return made


def button(text: str, kind: str = "plain") -> QPushButton:
    """A push button; kinds: plain, primary (one on a page), link."""
    made = QPushButton(text)
    made.setProperty("kind", kind)
    sized(made, lambda it: it.setFixedHeight(Size.CONTROL))
    if kind == "link":
        made.setCursor(Qt.CursorShape.PointingHandCursor)
    return made


def menu_button(text: str) -> QPushButton:
    """A push button that opens a menu, as the arrow at its end shows; the caller pops it up."""
    made = button(text)
    made.setIcon(icons.icon("chevron-down"))
    runs_right = made.layoutDirection() is Qt.LayoutDirection.LeftToRight
    directions = Qt.LayoutDirection.RightToLeft, Qt.LayoutDirection.LeftToRight
    made.setLayoutDirection(directions[0] if runs_right else directions[1])
    sized(made, lambda it: it.setIconSize(QSize(Size.ICON, Size.ICON)))
    return made


def on_button(text: str) -> str:
    """A text with a name in it, as a button, a box to tick or a menu shows it word for word."""
    return in_sentence(text).replace("&", "&&")


def tip(text: str) -> str:
    """A text with a name in it, as a tooltip shows it word for word: Qt looks for HTML there."""
    text = in_sentence(text)
    if not RichText.mightBeRichText(text):
        return text
    return f"<span style='white-space: pre-wrap'>{html.escape(text)}</span>"


def lean(field: QPlainTextEdit) -> None:
    """Begin the lines of a field at the side where its text begins; `QPlainTextEdit` does not."""
    align = Qt.AlignmentFlag
    side = align.AlignRight if runs_left(field.toPlainText()) else align.AlignLeft
    option = field.document().defaultTextOption()
    if option.alignment() != side:
        option.setAlignment(side)
        field.document().setDefaultTextOption(option)


def hairline(vertical: bool = False) -> QFrame:
    """A line of one pixel between two parts."""
    made = QFrame()
    made.setProperty("kind", "hairline")
    (made.setFixedWidth if vertical else made.setFixedHeight)(1)
    return made


def indented(widget: QWidget, space: int) -> QWidget:
    """A widget moved from where lines begin, so that its text stands below the page's title."""
    frame = QWidget()
    layout = QHBoxLayout(frame)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(0)
    layout.addSpacing(space)  # no margin: those keep their side where windows run from the right
    layout.addWidget(widget)
    return frame
