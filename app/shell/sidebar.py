"""The list of pages at the window's left edge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QFrame, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from app.style import Size, Space, sized
from app.widgets import icons


@dataclass(frozen=True)
class Entry:
    """A page as the sidebar shows it; `key` is also its icon's name.

    One that stands `apart` has a gap above it.
    """

    key: str
    title: str
    apart: bool = False


class Sidebar(QFrame):
    """Emits which page is chosen, and marks the one that is shown; `foot` is below the list."""

    chosen = Signal(str)

    def __init__(self, entries: Sequence[Entry], foot: QWidget) -> None:
        super().__init__()
        self.setProperty("kind", "sidebar")
        sized(self, lambda it: it.setFixedWidth(Size.SIDEBAR))
        self._keys: list[str] = []
        self.list = QListWidget()
        self.list.setProperty("kind", "sidebar")
        self.list.setAccessibleName("Pages")
        sized(self.list, lambda it: it.setIconSize(QSize(Size.SIDEBAR_ICON, Size.SIDEBAR_ICON)))
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        for entry in entries:
            if entry.apart:
                self._add_gap()
            item = QListWidgetItem(icons.icon(entry.key), entry.title)
            self.list.addItem(item)
            self._keys.append(entry.key)
        sized(self.list, _fit_rows)
        self.list.currentRowChanged.connect(self._announce)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.list, 1)
        layout.addWidget(foot)

    def show_chosen(self, key: str) -> None:
        """Mark the page that is there."""
        self.list.setCurrentRow(self._keys.index(key))

    def _add_gap(self) -> None:
        gap = QListWidgetItem()
        gap.setFlags(Qt.ItemFlag.NoItemFlags)
        self.list.addItem(gap)
        self._keys.append("")

    def _announce(self, row: int) -> None:
        if row >= 0:
            self.chosen.emit(self._keys[row])


def _fit_rows(rows: QListWidget) -> None:
    for row in range(rows.count()):
        is_gap = not rows.item(row).flags()
        rows.item(row).setSizeHint(QSize(0, Space.TWO if is_gap else Size.SIDEBAR_ROW))
