"""A Qt model of the list of conversations."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, Qt

from app.text import amounts
from app.text.hidden_characters import revealed
from app.widgets.two_line_delegate import SECOND_LINE
from mlx_backend.library.conversations import Conversation

Index = QModelIndex | QPersistentModelIndex


class ConversationListModel(QAbstractListModel):
    """All conversations, the latest first."""

    def __init__(self) -> None:
        super().__init__()
        self._shown: Sequence[Conversation] = ()

    def show(self, conversations: Sequence[Conversation]) -> None:
        """List these."""
        if conversations != self._shown:
            self.beginResetModel()
            self._shown = conversations
            self.endResetModel()

    def conversation(self, row: int) -> Conversation:
        """The one in a row."""
        return self._shown[row]

    def row_of(self, conversation_id: int | None) -> int | None:
        """Where a conversation is; None when it is not listed."""
        rows = (row for row, one in enumerate(self._shown) if one.id == conversation_id)
        return next(rows, None)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._shown)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        conversation = self._shown[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return revealed(conversation.title)
        if role == SECOND_LINE:
            day = amounts.day(conversation.updated_at)
            return f"Pinned · {day}" if conversation.pinned else day
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        return super().flags(index) | Qt.ItemFlag.ItemIsDragEnabled
