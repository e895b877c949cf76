"""A question in its bubble, with what is attached, its versions, and the field to edit it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from app.chat.attachment_chips import AttachmentChips
from app.chat.exchanges import Exchange
from app.chat.question_length import without_middle
from app.chat.version_walker import VersionWalker
from app.style import Size, Space, sized
from app.text.hidden_characters import revealed
from app.widgets.fitted_text import FittedText
from app.widgets.labels import button
from app.widgets.text_fields import PassingTextField

_EDIT_LINES = 6
# A longer question was pasted. In a field it would make every key slow.
_LONGEST_EDITED = 20_000


class QuestionView(QWidget):
    """The bubble at the right; below it Edit, and the walker of its versions."""

    edited = Signal(str)
    """Ask this instead."""

    edit_changed = Signal(object)
    """The text in the field of a question that is being edited; None when that ends."""

    version_wanted = Signal(int)

    def __init__(self, exchange: Exchange) -> None:
        super().__init__()
        self._exchange = exchange
        self._is_busy = False
        self.bubble = QuestionBubble(exchange.question)
        self.editor: QuestionEditor | None = None
        self.versions: VersionWalker | None = None
        self.edit = button("Edit", "footnote")
        self.edit.setAccessibleName("Edit this question")
        self.edit.clicked.connect(lambda: self.begin_edit(self._exchange.question))
        self._lay_out()
        self.show_exchange(exchange)

    def show_exchange(self, exchange: Exchange) -> None:
        """Show which version this is now."""
        self._exchange = exchange
        if len(exchange.versions) > 1 and self.versions is None:
            self.versions = VersionWalker()
            self.versions.chosen.connect(self.version_wanted)
            self._below.insertWidget(1, self.versions)
        if self.versions is not None:
            self.versions.show_versions(exchange.versions, exchange.id)
        self.set_busy(self._is_busy)

    def set_busy(self, busy: bool) -> None:
        """While an answer is being given, nothing branches off."""
        self._is_busy = busy
        can_be_edited = len(self._exchange.question) <= _LONGEST_EDITED
        self.edit.setEnabled(can_be_edited and not busy and self._exchange.id > 0)
        if self.versions is not None:
            self.versions.set_enabled(not busy)
        if self.editor is not None:
            self.editor.send.setEnabled(not busy)

    def begin_edit(self, text: str) -> None:
        """Let the person change the question, beginning with this text."""
        self.show_edit(text).field.setFocus()

    def show_edit(self, text: str) -> QuestionEditor:
        """Show the field with this text."""
        if self.editor is None:
            self.editor = QuestionEditor()
            self.editor.sent.connect(self._send)
            self.editor.cancelled.connect(self.end_edit)
            self.editor.field.textChanged.connect(self._tell)
            self._column.insertWidget(self._column.count() - 1, self.editor)
            self.set_busy(self._is_busy)
        self.editor.begin(text)
        self._show_editor(True)
        return self.editor

    def end_edit(self) -> None:
        """Show the question as it is."""
        self._show_editor(False)
        self.edit_changed.emit(None)
        self.edit.setFocus()

    def _show_editor(self, shown: bool) -> None:
        if self.editor is not None:
            self.editor.setVisible(shown)
        self.bubble.setVisible(not shown)
        self.edit.setVisible(not shown)

    def _tell(self) -> None:
        if self.editor is not None and self.editor.isVisibleTo(self):
            self.edit_changed.emit(self.editor.field.toPlainText())

    def _send(self, text: str) -> None:
        self.edited.emit(text)  # the field stays until it is asked

    def _lay_out(self) -> None:
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(Space.HALF)
        if self._exchange.attachments:
            attached = AttachmentChips(at_end=True)
            attached.show_attachments(self._exchange.attachments)
            self._column.addWidget(attached)
        asked = QHBoxLayout()
        asked.addStretch(1)
        asked.addWidget(self.bubble, 1000)
        self._column.addLayout(asked)
        self._below = QHBoxLayout()
        self._below.setSpacing(Space.ONE)
        self._below.addStretch()
        self._below.addWidget(self.edit)
        self._column.addLayout(self._below)


class QuestionBubble(QFrame):
    """What the person asked, word for word; as wide as that needs, up to a limit."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.setProperty("kind", "mine")
        self.text = FittedText()
        self.text.setAccessibleName("Your question")
        self.text.show_plain(revealed(without_middle(text)))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(Space.TWO, Space.ONE, Space.TWO, Space.ONE)
        layout.addWidget(self.text)
        sized(self, QuestionBubble._fit)

    def _fit(self) -> None:
        words = self.text.document().idealWidth()
        self.setMaximumWidth(min(Size.BUBBLE, round(words) + 2 * Space.TWO + 1))


class QuestionEditor(QWidget):
    """A field with the question, and Ask or Cancel."""

    sent = Signal(str)
    cancelled = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.field = _EditField()
        self.field.setProperty("kind", "field")
        self.field.setAccessibleName("Your question, to be changed")
        self.field.setTabChangesFocus(True)
        sized(self.field, lambda it: it.setFixedHeight(_EDIT_LINES * Size.BAR_ROW))
        self.cancel = button("Cancel")
        self.send = button("Ask Instead", "primary")
        self.cancel.clicked.connect(self.cancelled)
        self.send.clicked.connect(self._send)
        self.field.sent.connect(self._send)
        self.field.cancelled.connect(self.cancelled)
        row = QHBoxLayout()
        row.setSpacing(Space.ONE)
        row.addStretch()
        row.addWidget(self.cancel)
        row.addWidget(self.send)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(Space.ONE)
        layout.addWidget(self.field)
        layout.addLayout(row)

    def begin(self, text: str) -> None:
        """Put a text into the field, with the cursor at its end."""
        self.field.setPlainText(text)
        self.field.moveCursor(self.field.textCursor().MoveOperation.End)

    def _send(self) -> None:
        text = self.field.toPlainText().strip()
        if text and self.send.isEnabled():
            self.sent.emit(text)


class _EditField(PassingTextField):
    """Return sends, Shift+Return breaks the line, Escape gives up."""

    sent = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        is_return = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        is_to_send = is_return and not event.modifiers() & Qt.KeyboardModifier.ShiftModifier
        if is_to_send and not self._composition.takes(event):
            self.sent.emit()
        else:
            super().keyPressEvent(event)
