"""The list of adapters as Qt's views see it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, Qt

from app import words
from app.widgets.text import tip
from app.widgets.two_lines import SECOND_LINE
from mlx_backend.library.adapters import Adapter, DamagedAdapter

Index = QModelIndex | QPersistentModelIndex
Listed = Adapter | DamagedAdapter


class AdapterTable(QAbstractListModel):
    """Adapters, the newest first, then those that are damaged.

    Those that wait for their deletion are not shown.
    """

    def __init__(self) -> None:
        super().__init__()
        self._all: Sequence[Listed] = ()
        self._hidden: set[str] = set()
        self._shown: list[Listed] = []

    def show(self, adapters: Sequence[Listed]) -> None:
        """Show these."""
        self._all = adapters
        self._update()

    def hide(self, name: str) -> None:
        """Show an adapter no more."""
        self._hidden.add(name)
        self._update()

    def unhide(self, name: str) -> None:
        """Show it again, if it is there."""
        self._hidden.discard(name)
        self._update()

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
            made = words.day(adapter.card.created) if isinstance(adapter, Adapter) else None
            return f"{made or 'Damaged'} · {words.size(adapter.bytes)}"
        if role == Qt.ItemDataRole.ToolTipRole:
            return tip(f"{adapter.name}\n{adapter.path}")
        return None

    def _update(self) -> None:
        shown = [a for a in self._all if a.name not in self._hidden]
        if shown != self._shown:
            self.beginResetModel()
            self._shown = shown
            self.endResetModel()
