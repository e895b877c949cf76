"""The person's decisions about whole folders, which also apply to notes imported later."""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Mapping
from dataclasses import dataclass

from mlx_backend.library.database import transaction
from mlx_backend.library.inclusion import SHOULD_INCLUDE
from mlx_backend.library.note_browsing import Browsing, NoteFilter, NoteIds, as_json, below
from mlx_backend.library.note_decisions import NoteDecisions


@dataclass(frozen=True)
class FolderDecision:
    """A decision about a folder, and what is needed to undo it.

    `notes` is the number of notes that it switched. `folders` are the earlier decisions about the
    folder and those below it (path, 0 or 1); `included` and `left_out` are the notes below it about
    which the person had decided.
    """

    path: str
    notes: int
    folders: tuple[tuple[str, int], ...]
    included: NoteIds[int]
    left_out: NoteIds[int]


class FolderDecisions:
    """Leaves folders out of training and includes them, over one database connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    def decide(self, path: str, included: bool) -> FolderDecision:
        """Let training use the notes of a folder, or leave them out, also notes imported later.

        Including a folder that was left out restores what was decided before. Including one that
        was not left out uses all of its notes, whatever curation found.
        """
        is_left_out = leaves_out(self.all(), path)
        used, before = self._used(path), self._before(path)
        if included and not is_left_out:
            NoteDecisions(self._db).decide(Browsing(self._db).ids(NoteFilter(folder=path)), True)
        else:
            self._write(path, included)
        turned = abs(self._used(path) - used)
        return FolderDecision(path, turned, *before)

    def take_back(self, decision: FolderDecision) -> None:
        """Undo a decision."""
        values = {"folder": decision.path}
        with transaction(self._db):
            self._forget_folders(decision.path)
            self._db.executemany("INSERT INTO folder_choices VALUES (?, ?)", decision.folders)
            self._db.execute(
                "DELETE FROM choices WHERE note_id IN"
                f" (SELECT id FROM notes WHERE {below('notes.path')})",
                values,
            )
            for note_ids, included in ((decision.included, 1), (decision.left_out, 0)):
                self._db.execute(
                    "INSERT INTO choices (note_id, included) SELECT id, ? FROM notes"
                    " WHERE id IN (SELECT value FROM json_each(?))",
                    (included, as_json(note_ids)),
                )
            self._update_below(decision.path)

    def all(self) -> dict[str, bool]:
        """The folders with a decision: True for included, False for left out."""
        rows = self._db.execute("SELECT path, included FROM folder_choices")
        return {row["path"]: bool(row["included"]) for row in rows}

    def _write(self, path: str, included: bool) -> None:
        with transaction(self._db):
            self._forget_folders(path)
            if not included or leaves_out(self.all(), path):
                self._db.execute("INSERT INTO folder_choices VALUES (?, ?)", (path, int(included)))
            if not included:
                self._db.execute(
                    "DELETE FROM choices WHERE included AND note_id IN"
                    f" (SELECT id FROM notes WHERE {below('notes.path')})",
                    {"folder": path},
                )
            self._update_below(path)

    def _forget_folders(self, path: str) -> None:
        self._db.execute(f"DELETE FROM folder_choices WHERE {below()}", {"folder": path})

    def _update_below(self, path: str) -> None:
        """Apply a decision to the notes below a folder, and have curation compare them again."""
        self._db.execute(
            "UPDATE curated SET compared = 0 WHERE note_id IN"
            f" (SELECT id FROM notes WHERE {below('notes.path')})",
            {"folder": path},
        )
        self._db.execute(
            f"UPDATE notes SET included = {SHOULD_INCLUDE}"
            f" WHERE {below('notes.path')} AND included <> {SHOULD_INCLUDE}",
            {"folder": path},
        )

    def _used(self, path: str) -> int:
        (used,) = self._db.execute(
            f"SELECT count(*) FROM notes WHERE included AND NOT gone AND {below()}",
            {"folder": path},
        ).fetchone()
        return int(used)

    def _before(self, path: str) -> tuple[tuple[tuple[str, int], ...], NoteIds[int], NoteIds[int]]:
        values = {"folder": path}
        folders = self._db.execute(
            f"SELECT path, included FROM folder_choices WHERE {below()}", values
        )
        choices: dict[int, NoteIds[int]] = {0: array("q"), 1: array("q")}
        for row in self._db.execute(
            "SELECT note_id, choices.included FROM choices JOIN notes ON notes.id = note_id"
            f" WHERE {below('notes.path')}",
            values,
        ):
            choices[row["included"]].append(row["note_id"])
        return tuple((row["path"], row["included"]) for row in folders), choices[1], choices[0]


def leaves_out(folders: Mapping[str, bool], path: str) -> bool:
    """Whether `path` is left out: the decision about the nearest folder above it counts."""
    while path:
        if path in folders:
            return not folders[path]
        path = path.rpartition("/")[0]
    return False
