"""A Qt model of the folders that notes came from; each level is read when it is opened."""

from __future__ import annotations

import functools
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QGuiApplication, QPalette

from app.library.background import Background
from app.text import amounts
from app.widgets import icons
from app.widgets.labels import tip
from mlx_backend.library.folders import Folder, Folders

Index = QModelIndex | QPersistentModelIndex

NAME, NOTES = range(2)


@dataclass
class _Node:
    """A folder in its place; `children` is None until they were read."""

    folder: Folder
    parent: _Node | None
    key: int
    row: int = 0
    children: list[_Node] | None = None
    is_asked: bool = False


class FolderTreeModel(QAbstractItemModel):
    """All notes first, then each imported folder with the folders below it."""

    def __init__(self, background: Background) -> None:
        super().__init__()
        self._background = background
        # Qt's indexes keep a number, not the node itself, which an index may outlive.
        self._nodes: dict[int, _Node] = {}
        self._next_key = 1
        self._root = _Node(Folder("", "", 0, 0, has_folders=True), None, 0, children=[])

    def refresh(self, notes: int, used: int) -> None:
        """Read again what was read so far; `notes` and `used` are those of the whole library."""
        loaded = [node.folder.path for node in self._nodes.values() if node.children is not None]
        everything = Folder("", "All notes", notes, used, has_folders=False)
        self._background.call(
            functools.partial(_levels, loaded), functools.partial(self._show, everything)
        )

    def folder(self, index: Index) -> Folder:
        """The folder at an index; with the path "" for all notes."""
        return self._node(index).folder

    def index_of(self, path: str) -> QModelIndex:
        """Where a folder is, as far as it was read; else an invalid index."""
        for node in self._nodes.values():
            if node.folder.path == path:
                return self._index(node)
        return QModelIndex()

    # --- what views ask ---

    def index(self, row: int, column: int, parent: Index = QModelIndex()) -> QModelIndex:  # noqa: B008
        children = self._node(parent).children or []
        if 0 <= row < len(children) and 0 <= column <= NOTES:
            return self.createIndex(row, column, children[row].key)
        return QModelIndex()

    def parent(self, index: Index) -> QModelIndex:  # type: ignore[override]
        above = self._node(index).parent if index.isValid() else None
        return self._index(above) if above is not None else QModelIndex()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.column() > 0 else len(self._node(parent).children or [])

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 2

    def hasChildren(self, parent: Index = QModelIndex()) -> bool:  # noqa: B008
        return parent.column() <= 0 and self._node(parent).folder.has_folders

    def canFetchMore(self, parent: Index) -> bool:
        node = self._node(parent)
        return node.folder.has_folders and node.children is None and not node.is_asked

    def fetchMore(self, parent: Index) -> None:
        node = self._node(parent)
        if not self.canFetchMore(parent):
            return
        node.is_asked = True
        path = node.folder.path
        self._background.call(
            lambda db: Folders(db).children(path), functools.partial(self._opened, node.key)
        )

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        folder, column = self._node(index).folder, index.column()
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return folder.name if column == NAME else amounts.number(folder.notes)
            case Qt.ItemDataRole.ToolTipRole:
                return tip(_help(folder))
            case Qt.ItemDataRole.DecorationRole if column == NAME and folder.path:
                return icons.icon(_icon(folder), on_tint=True)
            case Qt.ItemDataRole.TextAlignmentRole if column == NOTES:
                return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            case Qt.ItemDataRole.ForegroundRole if column == NOTES or not folder.used:
                return QGuiApplication.palette().color(QPalette.ColorRole.PlaceholderText)
        return None

    # --- taking in what was read ---

    def _node(self, index: Index) -> _Node:
        return self._nodes[index.internalId()] if index.isValid() else self._root

    def _index(self, node: _Node) -> QModelIndex:
        if node is self._root:
            return QModelIndex()
        return self.createIndex(node.row, NAME, node.key)

    def _opened(self, key: int, folders: Sequence[Folder]) -> None:
        node = self._nodes.get(key)
        if node is not None:
            self._merge(node, folders)

    def _show(self, everything: Folder, levels: dict[str, list[Folder]]) -> None:
        self._merge(self._root, [everything, *levels.pop("")])
        for node in list(self._nodes.values()):
            if node.children is not None and node.folder.path in levels:
                self._merge(node, levels[node.folder.path])

    def _merge(self, node: _Node, folders: Sequence[Folder]) -> None:
        """Give a node these folders; what was open stays open."""
        children = node.children = node.children or []
        above, paths = self._index(node), [folder.path for folder in folders]
        kept = [child.folder.path for child in children if child.folder.path in set(paths)]
        if kept != [path for path in paths if path in set(kept)]:
            paths_to_keep: set[str] = set()  # another order: rebuild all
        else:
            paths_to_keep = set(kept)
        for row in range(len(children) - 1, -1, -1):
            if children[row].folder.path not in paths_to_keep:
                self.beginRemoveRows(above, row, row)
                self._forget(children.pop(row))
                _number(children)
                self.endRemoveRows()
        for row, folder in enumerate(folders):
            if row < len(children) and children[row].folder.path == folder.path:
                children[row].folder = folder
            else:
                self.beginInsertRows(above, row, row)
                children.insert(row, self._new(folder, node))
                _number(children)
                self.endInsertRows()
        if children:
            first, last = children[0], children[-1]
            end = self.createIndex(last.row, NOTES, last.key)
            self.dataChanged.emit(self._index(first), end)

    def _new(self, folder: Folder, parent: _Node) -> _Node:
        node = _Node(folder, parent, self._next_key)
        self._next_key += 1
        self._nodes[node.key] = node
        return node

    def _forget(self, node: _Node) -> None:
        waiting = [node]  # not recursive: folders may be nested deeper than calls can be
        while waiting:
            gone = waiting.pop()
            del self._nodes[gone.key]
            waiting += gone.children or []


def _number(children: list[_Node]) -> None:
    for row, child in enumerate(children):
        child.row = row


def _levels(loaded: Sequence[str], db: sqlite3.Connection) -> dict[str, list[Folder]]:
    """The imported folders under "", and the folders below each of those that were open."""
    folders = Folders(db)
    return {"": folders.sources()} | {path: folders.children(path) for path in loaded if path}


def _icon(folder: Folder) -> str:
    if folder.is_left_out:
        return "folder-out"
    return "watched" if folder.is_watched else "folder"


def _help(folder: Folder) -> str:
    is_whole = folder.used == folder.notes
    used = "all used for training" if is_whole else f"{amounts.number(folder.used)} used"
    lines = [amounts.path(folder.path)] if folder.path else []
    lines.append(f"{amounts.count(folder.notes, 'note')}, {used}")
    if folder.is_left_out:
        lines.append("Left out, and so is what comes into it later.")
    if folder.is_watched:
        lines.append("Watched: Overnight reads new notes by itself.")
    return "\n".join(lines)
