"""Where the person types: grows with the text, Return sends, Shift+Return breaks the line."""

from __future__ import annotations

from PySide6.QtCore import QMimeData, Qt, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QTextEdit

from app.style import Size, Space, sized

_MOST_LINES = 8
# More than the model can read anyway; pasting a book by mistake must not stall the window.
_LONGEST = 20_000


class ChatInput(QTextEdit):
    """Plain text only, whatever is pasted. Announces what the person wants sent."""

    sent = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "field")
        self.setAcceptRichText(False)
        self.setTabChangesFocus(True)
        self.setPlaceholderText("Ask about your notes")
        self.setAccessibleName("Your question")
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setViewportMargins(0, Space.HALF // 2, 0, 0)
        self.textChanged.connect(self._fit)
        sized(self, ChatInput._fit)

    def text(self) -> str:
        """What is typed."""
        return self.toPlainText()

    def set_text(self, text: str) -> None:
        """Put text in, with the cursor at its end."""
        self.setPlainText(text)
        self.moveCursor(self.textCursor().MoveOperation.End)

    def send(self) -> None:
        """Announce what is typed, if it is more than white space. The text stays."""
        text = self.text().strip()
        if text:
            self.sent.emit(text)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        is_return = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if is_return and not event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self.send()
        else:
            super().keyPressEvent(event)

    def canInsertFromMimeData(self, source: QMimeData) -> bool:
        # Files that are dropped here are notes to import: the window takes them.
        return source.hasText() and not source.hasUrls()

    def insertFromMimeData(self, source: QMimeData) -> None:
        self.insertPlainText(source.text()[:_LONGEST])

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        text = round(self.document().size().height())
        wanted = text + Size.INPUT - self._one_line
        most = Size.INPUT + (_MOST_LINES - 1) * self.fontMetrics().lineSpacing()
        # The bar comes with what does not fit, and not for a pixel between two line heights.
        policies = Qt.ScrollBarPolicy
        shown = policies.ScrollBarAsNeeded if wanted > most else policies.ScrollBarAlwaysOff
        self.setVerticalScrollBarPolicy(shown)
        self.setFixedHeight(max(Size.INPUT, min(wanted, most)))

    @property
    def _one_line(self) -> int:
        return self.fontMetrics().lineSpacing() + 2 * round(self.document().documentMargin())
