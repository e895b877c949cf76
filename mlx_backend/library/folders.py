"""The folders that notes came from, one level at a time, and which of them are watched."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from mlx_backend.library.database import transaction
from mlx_backend.library.folder_decisions import FolderDecisions, leaves_out
from mlx_backend.library.note_browsing import below

# SQL: the parent folder of `source`, that is, everything before the last slash.
_PARENT = "rtrim(rtrim(source, replace(source, '/', '')), '/')"


@dataclass(frozen=True)
class Folder:
    """A folder, and how many notes are at or below it; `used` counts those that training uses.

    `is_source`: the person imported this folder itself. `is_left_out`: the person leaves out this
    folder or one above it, and so also the notes imported into it later.
    """

    path: str
    name: str
    notes: int
    used: int
    has_folders: bool
    is_source: bool = False
    is_watched: bool = False
    is_left_out: bool = False


class Folders:
    """Reads folders from the paths of the notes, over one database connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    def sources(self) -> list[Folder]:
        """The imported folders, without those inside another imported folder.

        For a file that was imported by itself, its folder is listed, but with `is_source` False,
        because it cannot be watched.
        """
        rows = self._db.execute(
            f"SELECT DISTINCT CASE WHEN source = file THEN {_PARENT} ELSE source END AS path,"
            " source <> file AS is_source FROM notes ORDER BY path, is_source DESC"
        ).fetchall()
        watched = self.watched()
        found: list[Folder] = []
        for row in rows:
            path: str = row["path"]
            if any(path == f.path or path.startswith(f.path + "/") for f in found):
                continue
            found.append(self._source(path, bool(row["is_source"]), path in watched))
        return found

    def children(self, path: str) -> list[Folder]:
        """The direct subfolders of a folder, with counts over all that is below each."""
        decided = FolderDecisions(self._db).all()
        rows = self._db.execute(
            "SELECT name, count(*) AS notes, sum(used) AS used, max(deeper) AS has_folders FROM ("
            " SELECT substr(rest, 1, instr(rest, '/') - 1) AS name, used,"
            "  instr(substr(rest, instr(rest, '/') + 1), '/') > 0 AS deeper"
            "  FROM (SELECT substr(path, length(:folder) + 2) AS rest,"
            "         included AND NOT gone AS used FROM notes"
            f"        WHERE {below()}) WHERE instr(rest, '/') > 0"
            ") GROUP BY name ORDER BY name COLLATE NOCASE",
            {"folder": path},
        )
        return [
            Folder(
                path=f"{path}/{row['name']}",
                name=row["name"],
                notes=row["notes"],
                used=row["used"],
                has_folders=bool(row["has_folders"]),
                is_left_out=leaves_out(decided, f"{path}/{row['name']}"),
            )
            for row in rows
        ]

    def watched(self) -> dict[str, str]:
        """The watched folders, each with its state at the last import; "" when unknown."""
        return dict(self._db.execute("SELECT path, state FROM watched").fetchall())

    def watch(self, path: str) -> None:
        """Start watching a folder."""
        self._db.execute("INSERT OR IGNORE INTO watched (path) VALUES (?)", (path,))

    def unwatch(self, path: str) -> None:
        """Stop watching a folder."""
        self._db.execute("DELETE FROM watched WHERE path = ?", (path,))

    def record_states(self, states: dict[str, str]) -> None:
        """Store the state of watched folders at their import, by path."""
        with transaction(self._db):
            self._db.executemany(
                "UPDATE watched SET state = ? WHERE path = ?",
                [(state, path) for path, state in states.items()],
            )

    def _source(self, path: str, is_source: bool, is_watched: bool) -> Folder:
        row = self._db.execute(
            "SELECT count(*) AS notes, coalesce(sum(included AND NOT gone), 0) AS used,"
            " coalesce(max(instr(substr(path, length(:folder) + 2), '/') > 0), 0) AS has_folders"
            f" FROM notes WHERE {below()}",
            {"folder": path},
        ).fetchone()
        return Folder(
            path=path,
            name=path.rpartition("/")[2] or path,
            notes=row["notes"],
            used=row["used"],
            has_folders=bool(row["has_folders"]),
            is_source=is_source,
            is_watched=is_watched,
            is_left_out=leaves_out(FolderDecisions(self._db).all(), path),
        )
