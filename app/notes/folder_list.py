"""The tree of folders at the left of the notes, and what can be done with the chosen one."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPoint, QSize, Qt, Signal
from PySide6.QtWidgets import QCheckBox, QHeaderView, QMenu, QTreeView, QVBoxLayout, QWidget

from app.notes.folder_tree_model import NAME, NOTES, FolderTreeModel
from app.style import Size, Space, sized
from app.widgets.labels import button, hairline, paragraph
from app.widgets.row_delegate import RowDelegate
from mlx_backend.library.folders import Folder

_WATCHED = "New and changed notes are read once the folder has been quiet, and wait as New for"
_WATCHED_HELP = f"{_WATCHED} the next night. This works while Overnight is open."
_LEFT_OUT_HELP = "Training leaves this folder out, and what comes into it later."
_UNWATCHED_HELP = "To read what changed, add the folder again, or watch it."


class FolderList(QWidget):
    """Choosing a folder shows its notes; a whole folder can be left out, or watched."""

    chosen = Signal(str)
    """The path of the chosen folder; "" for all notes."""

    inclusion_wanted = Signal(str, bool)
    """All notes of a folder are to be used, or to be left out."""

    watch_wanted = Signal(str, bool)
    """A folder is to be watched, or no longer."""

    def __init__(self, tree: FolderTreeModel) -> None:
        super().__init__()
        self._tree = tree
        self._path = ""
        self.view = QTreeView()
        self.watch = QCheckBox("Watch this folder")
        self.watch.clicked.connect(lambda on: self.watch_wanted.emit(self._path, on))
        self.help = paragraph(kind="small")
        self.toggle = button("Leave Out Folder")
        self.toggle.clicked.connect(self._turn)
        self.foot = QWidget()
        self._lay_out()
        self.view.selectionModel().currentChanged.connect(lambda index, _: self._choose(index))
        self.view.customContextMenuRequested.connect(self._open_menu)
        tree.rowsInserted.connect(self._keep_choice)
        tree.dataChanged.connect(lambda *_: self._show_foot())

    @property
    def path(self) -> str:
        """The chosen folder; "" for all notes."""
        return self._path

    def choose(self, path: str) -> None:
        """Choose a folder, as far as it was read."""
        index = self._tree.index_of(path)
        if index.isValid():
            self.view.setCurrentIndex(index)

    def _lay_out(self) -> None:
        view = self.view
        view.setModel(self._tree)
        view.setItemDelegate(RowDelegate(view))
        view.setProperty("kind", "folders")
        view.setAccessibleName("Folders")
        view.setHeaderHidden(True)
        view.setUniformRowHeights(True)
        view.setIndentation(Space.TWO)
        sized(view, lambda it: it.setIconSize(QSize(Size.ICON, Size.ICON)))
        view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        view.setTextElideMode(Qt.TextElideMode.ElideRight)
        header = view.header()
        header.setStretchLastSection(False)
        header.setMinimumSectionSize(Space.FOUR)
        header.setSectionResizeMode(NAME, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(NOTES, QHeaderView.ResizeMode.Fixed)
        sized(header, lambda it: it.resizeSection(NOTES, Size.COUNT_COLUMN))
        actions = QWidget()
        foot = QVBoxLayout(actions)
        foot.setContentsMargins(Space.TWO, Space.ONE, Space.TWO, Space.TWO)
        foot.setSpacing(Space.ONE)
        foot.addWidget(self.watch)
        foot.addWidget(self.help)
        foot.addWidget(self.toggle, 0, Qt.AlignmentFlag.AlignLeft)
        below = QVBoxLayout(self.foot)
        below.setContentsMargins(0, 0, 0, 0)
        below.addWidget(hairline())
        below.addWidget(actions)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(Space.TWO, Space.ONE, Space.ONE, 0)
        layout.setSpacing(0)
        layout.addWidget(view, 1)
        layout.addWidget(self.foot)
        self._show_foot()

    def _choose(self, index: QModelIndex) -> None:
        if not index.isValid():
            return
        path = self._tree.folder(index).path
        if path != self._path:
            self._path = path
            self.chosen.emit(path)
        self._show_foot()

    def _keep_choice(self) -> None:
        if not self.view.currentIndex().isValid():
            self.choose("")

    def _folder(self) -> Folder | None:
        index = self.view.currentIndex()
        return self._tree.folder(index) if index.isValid() else None

    def _show_foot(self) -> None:
        folder = self._folder()
        if folder is None or not folder.path:
            self.foot.hide()
            return
        self.foot.show()
        self.watch.setVisible(folder.is_source)
        self.help.setVisible(folder.is_source or folder.is_left_out)
        self.watch.setChecked(folder.is_watched)
        self.help.setText(_foot_help(folder))
        self.toggle.setText("Leave Out Folder" if _is_used(folder) else "Use Folder")

    def _turn(self) -> None:
        folder = self._folder()
        if folder is not None:
            self.inclusion_wanted.emit(folder.path, not _is_used(folder))

    def _open_menu(self, point: QPoint) -> None:
        index = self.view.indexAt(point)
        if not index.isValid():
            return
        menu = self.menu(self._tree.folder(index))
        menu.popup(self.view.viewport().mapToGlobal(point))

    def menu(self, folder: Folder) -> QMenu:
        """What can be done with a folder."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        if _is_used(folder):
            menu.addAction("Leave Out", lambda: self.inclusion_wanted.emit(folder.path, False))
        if folder.is_left_out or folder.used < folder.notes:
            menu.addAction(
                "Use for Training", lambda: self.inclusion_wanted.emit(folder.path, True)
            )
        if folder.is_source:
            watch = menu.addAction("Watch This Folder")
            watch.setCheckable(True)
            watch.setChecked(folder.is_watched)
            watch.triggered.connect(lambda on: self.watch_wanted.emit(folder.path, on))
        return menu


def _is_used(folder: Folder) -> bool:
    """Whether there is something to leave out."""
    return bool(folder.used) and not folder.is_left_out


def _foot_help(folder: Folder) -> str:
    if folder.is_left_out:
        return _LEFT_OUT_HELP
    return _WATCHED_HELP if folder.is_watched else _UNWATCHED_HELP
