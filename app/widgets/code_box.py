"""Code in a box of its own: with colours, scrolled sideways, and copied by one click."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import (
    QColor,
    QFontDatabase,
    QSyntaxHighlighter,
    QTextCharFormat,
    QTextDocument,
    QTextOption,
)
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout

from app.style import Colours, Space, Style
from app.widgets.code_inks import Ink, Run, inks_of
from app.widgets.copy_button import CopyButton
from app.widgets.fitted_text import FittedText, shortened
from app.widgets.labels import label


class CodeBox(QFrame):
    """Shows code, however long its lines are."""

    def __init__(self, style: Style) -> None:
        super().__init__()
        self._code = ""
        self._language = ""
        self.setProperty("kind", "code box")
        self.language = label(kind="small")
        self.copy = CopyButton(lambda: self._code, "this code")
        self.text = FittedText(scrolls=True, whole_words=True)
        self._dress_text()
        self._colouring = _Colouring(self.text.document(), style)
        top = QHBoxLayout()
        top.addWidget(self.language)
        top.addStretch()
        top.addWidget(self.copy)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(Space.TWO, 0, Space.TWO, Space.ONE)
        layout.setSpacing(0)
        layout.addLayout(top)
        layout.addWidget(self.text)

    def show_code(self, code: str, language: str) -> None:
        """Show code; `language` is what its author calls it, "" where that is not said."""
        if (code, language) == (self._code, self._language):
            return
        self._code, self._language = code, language
        self.language.setText(language)
        self._colouring.lines = []
        self.text.show_plain(code)
        self._colouring.show(inks_of(shortened(code), language))

    def _dress_text(self) -> None:
        self.text.setProperty("kind", "code")
        self.text.setAccessibleName("Code")
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        option = QTextOption()
        option.setWrapMode(QTextOption.WrapMode.NoWrap)
        option.setTextDirection(Qt.LayoutDirection.LeftToRight)
        self.text.setWordWrapMode(QTextOption.WrapMode.NoWrap)
        self.text.document().setDefaultTextOption(option)


class _Colouring(QSyntaxHighlighter):
    """Colours the lines of a document as it is told."""

    def __init__(self, document: QTextDocument, style: Style) -> None:
        super().__init__(document)
        self._style = style
        self.lines: list[list[Run]] = []
        style.changed.connect(self.rehighlight)

    def show(self, lines: list[list[Run]]) -> None:
        """Colour these runs of each line."""
        self.lines = lines
        if any(lines):
            self.rehighlight()

    def highlightBlock(self, text: str) -> None:
        number = self.currentBlock().blockNumber()
        for start, length, ink in self.lines[number] if number < len(self.lines) else ():
            kind = QTextCharFormat()
            kind.setForeground(ink_colour(self._style.colours, ink))
            self.setFormat(start, length, kind)


def ink_colour(colours: Colours, ink: Ink) -> QColor:
    """The colour of a kind of word."""
    return {
        Ink.KEYWORD: colours.keyword,
        Ink.NAME: colours.name,
        Ink.STRING: colours.string,
        Ink.NUMBER: colours.number,
        Ink.COMMENT: colours.comment,
    }[ink]
