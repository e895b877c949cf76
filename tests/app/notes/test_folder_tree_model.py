"""The tree of folders, as deep as folders get."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from PySide6.QtCore import QModelIndex
from pytestqt.qtbot import QtBot

from app.jobs.folder_state import folders_of, state_of
from app.library.background import Background
from app.notes.folder_tree_model import FolderTreeModel
from mlx_backend.library import Library
from mlx_backend.library.database import connect
from mlx_backend.library.notes import NewNote, Notes
from tests.mlx_backend.deep import deep_folder

LEVELS = 1_100


class AtOnce:
    """Background work that is done when it is asked for."""

    def __init__(self, database: Path) -> None:
        self._connection = connect(database)

    def call(self, work: Callable[..., Any], done: Callable[[Any], None]) -> None:
        done(work(self._connection))


def test_folders_deeper_than_calls_open_and_go(library: Library, qtbot: QtBot) -> None:
    background = AtOnce(library.database)
    path = "/n/" + "d/" * LEVELS + "deep.md"
    notes = Notes(background._connection)
    notes.save([NewNote(path, "/n", "Deep", "x", "1", 1, 1, ())])
    tree = FolderTreeModel(cast(Background, background))
    tree.refresh(1, 1)
    index, depth = tree.index(1, 0), 0
    while tree.canFetchMore(index):
        tree.fetchMore(index)
        index, depth = tree.index(0, 0, index), depth + 1
    assert depth == LEVELS
    assert tree.folder(index).path == path.removesuffix("/deep.md")
    notes.connection.execute("DELETE FROM notes")
    tree.refresh(0, 0)
    assert tree.rowCount(QModelIndex()) == 1


def test_a_folder_deeper_than_calls_has_a_state(tmp_path: Path) -> None:
    with deep_folder(tmp_path, 3_000):  # beyond what a path can name
        (tmp_path / "d" / "a.md").write_text("x")
        before = state_of(tmp_path)
        (tmp_path / "d" / "d" / "b.md").write_text("x")
        assert state_of(tmp_path) != before
        assert len(folders_of(tmp_path, 10_000)) > 1_500
