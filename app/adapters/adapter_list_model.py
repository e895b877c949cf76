"""A Qt model of the list of adapters."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, Qt

from app.text import amounts
from app.widgets.labels import tip
from app.widgets.two_line_delegate import SECOND_LINE
from mlx_backend.library.adapters import Adapter, DamagedAdapter

Index = QModelIndex | QPersistentModelIndex
Listed = Adapter | DamagedAdapter


class AdapterListModel(QAbstractListModel):
    """All adapters: the newest first, then those that are damaged."""

    def __init__(self) -> None:
        super().__init__()
        self._shown: Sequence[Listed] = ()

    def show(self, adapters: Sequence[Listed]) -> None:
        """Show these."""
        if adapters != self._shown:
            self.beginResetModel()
            self._shown = adapters
            self.endResetModel()

    @property
    def adapters(self) -> Sequence[Listed]:
        """All of them, in order."""
        return self._shown

    def adapter(self, row: int) -> Listed:
        """The adapter in a row."""
        return self._shown[row]

    def row_of(self, name: str) -> int:
        """Where an adapter is; -1 when it is not shown."""
        return next((i for i, a in enumerate(self._shown) if a.name == name), -1)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._shown)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        adapter = self._shown[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return adapter.name
        if role == SECOND_LINE:
            made = amounts.day(adapter.card.created) if isinstance(adapter, Adapter) else None
            tags = ", ".join(adapter.card.tags) if isinstance(adapter, Adapter) else ""
            return f"{made or 'Damaged'} · {tags or amounts.size(adapter.bytes)}"
        if role == Qt.ItemDataRole.ToolTipRole:
            return tip(f"{adapter.name}\n{adapter.path}")
        return None
