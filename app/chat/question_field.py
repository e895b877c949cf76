"""Where the person types: grows with the text, Return sends, Shift+Return breaks the line."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QMimeData, Qt, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent

from app.chat.pasted_texts import PastedTexts
from app.style import Size, Space, sized
from app.widgets.text_fields import ComposedText

_MOST_LINES = 8
# A longer text would make every key slow. It is kept beside the field.
_LONGEST_TYPED = 20_000
# Stands between the texts of a draft; nobody can type it.
_BETWEEN = "\x1e"


class QuestionField(ComposedText):
    """Plain text only, whatever is pasted. Emits what the person sends.

    Nothing is ever cut: text too long for the field is shown above it, in `pasted`, and belongs
    to the question like what is typed.
    """

    sent = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.pasted = PastedTexts()
        self._earlier: Sequence[str] = ()
        self._recalled = 0
        self.setProperty("kind", "field")
        self.setTabChangesFocus(True)
        self.setPlaceholderText("Ask about your notes")
        self.setAccessibleName("Your question")
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        # Qt counts a document's own margin three times, and shows a scroll bar for one line.
        self.document().setDocumentMargin(0)
        self.setViewportMargins(Space.HALF, Space.HALF, Space.HALF, 0)
        self.textChanged.connect(self._fit)
        self.pasted.changed.connect(self.textChanged)
        sized(self, QuestionField._fit)

    def text(self) -> str:
        """The whole question: what was pasted, then what is typed."""
        return "\n\n".join(part for part in (*self.pasted.texts, self.toPlainText()) if part)

    @property
    def has_text(self) -> bool:
        """Whether there is more than white space to send."""
        return bool(self.pasted.texts) or bool(self.toPlainText().strip())

    def draft(self) -> str:
        """The question with separators between its parts, for `set_draft`."""
        return _BETWEEN.join([*self.pasted.texts, self.toPlainText()])

    def set_draft(self, draft: str) -> None:
        """Put a question back as it was, with the cursor at its end."""
        *pasted, typed = draft.split(_BETWEEN)
        if len(typed) > _LONGEST_TYPED:
            pasted, typed = [*pasted, typed], ""
        self.pasted.set_texts(pasted)
        self.setPlainText(typed)
        self.moveCursor(self.textCursor().MoveOperation.End)

    def set_text(self, text: str) -> None:
        """Put one text in, whole."""
        self.set_draft(text.replace(_BETWEEN, " "))

    def give_back(self, text: str) -> None:
        """Put a question back, before what was typed since."""
        since = self.draft()
        between = _BETWEEN if len(text) + len(since) > _LONGEST_TYPED else "\n\n"
        self.set_draft(between.join(part for part in (text.replace(_BETWEEN, " "), since) if part))

    def clear(self) -> None:
        """Remove everything, pasted texts too."""
        self.pasted.set_texts([])
        super().clear()

    def send(self) -> None:
        """Announce what is typed, if it is more than white space. The text stays."""
        if not self._composition.finish():
            return  # a word is still being composed
        text = self.text().strip()
        if text:
            self.sent.emit(text)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self._recalls(event):
            return
        is_return = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        is_to_send = is_return and not event.modifiers() & Qt.KeyboardModifier.ShiftModifier
        if is_to_send and not self._composition.takes(event):
            self.send()
        else:
            super().keyPressEvent(event)

    def set_earlier(self, questions: Sequence[str]) -> None:
        """The questions that Up brings back into an empty field, the latest last."""
        if questions != self._earlier:
            self._earlier = questions
            self._recalled = 0

    def _recalls(self, event: QKeyEvent) -> bool:
        """Whether an arrow key brings back an earlier question, or goes on from it."""
        step = {Qt.Key.Key_Up: 1, Qt.Key.Key_Down: -1}.get(Qt.Key(event.key()), 0)
        is_plain = not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if not step or not is_plain or self._composition.is_open or self.pasted.texts:
            return False
        at = self._recalled if self._recalled and self._is_as_recalled() else 0
        to = at + step
        if (self.toPlainText() and not at) or not 0 <= to <= len(self._earlier):
            return False
        self._recalled = to
        self.setPlainText(self._earlier[-to] if to else "")
        self.moveCursor(self.textCursor().MoveOperation.End)
        return True

    def _is_as_recalled(self) -> bool:
        return self.toPlainText() == self._earlier[-self._recalled]

    def canInsertFromMimeData(self, source: QMimeData) -> bool:
        # Files that are dropped here are notes to import: the window takes them.
        return source.hasText() and not source.hasUrls()

    def insertFromMimeData(self, source: QMimeData) -> None:
        text = source.text().replace(_BETWEEN, " ")
        if self.document().characterCount() + len(text) > _LONGEST_TYPED:
            self.pasted.add(text)
        else:
            self.insertPlainText(text)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        text = self._lines() * self.fontMetrics().lineSpacing()
        around = self.height() - self.viewport().height() + Space.HALF
        self.setFixedHeight(max(Size.INPUT, text + around))

    def _lines(self) -> int:
        """How many lines the text has, counted up to the most that are shown."""
        layout, block, lines = self.document().documentLayout(), self.document().firstBlock(), 0
        while block.isValid() and lines < _MOST_LINES:
            layout.blockBoundingRect(block)  # lays it out
            lines += block.layout().lineCount()
            block = block.next()
        return max(1, min(lines, _MOST_LINES))
