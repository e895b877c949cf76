"""What an import knows of files and writes of them: stamps, notes, moves and skipped parts."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec

from mlx_backend.library.database import transaction
from mlx_backend.library.notes import NewNote, Notes

_BELOW = "(path = :source OR (path > :source || '/' AND path < :source || '0'))"
"""`0` comes right after `/`: an index finds what lies below a folder."""


@dataclass(frozen=True)
class FileStamp:
    """What tells whether a file changed since it was read; `notes` counts what came of it."""

    path: str
    source: str
    size: int
    mtime_ns: int
    sha256: str
    readers: int
    gone: bool = False
    notes: int = 0


@dataclass(frozen=True)
class ReadFile:
    """A file as an import leaves it.

    `notes` are all of its notes, and `skipped` its paths, or those of its parts, that are left
    out, with reasons; where they are None, what the library has stays as it is. `moved_from`
    is the path under which the library knows the same content. `opened` is False for a file
    that was only looked at.
    """

    stamp: FileStamp
    notes: tuple[NewNote, ...] | None = None
    skipped: tuple[tuple[str, str], ...] | None = None
    moved_from: str = ""
    opened: bool = True


@dataclass
class Counts:
    """Notes that came, changed, stayed as they are, and went."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    removed: int = 0


class Imports:
    """The side of the library that imports write, over one database connection.

    What grows with the number of files lies in a temporary table, not in this process's memory.
    """

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._db = notes.connection
        self._db.execute("CREATE TEMP TABLE IF NOT EXISTS present (path TEXT PRIMARY KEY) STRICT")
        self._db.execute("DELETE FROM temp.present")

    def known(self, paths: Sequence[str]) -> dict[str, FileStamp]:
        """What is known of these files; they are from now on among those present."""
        listed = msgspec.json.encode(paths).decode()
        self._db.execute(
            "INSERT OR IGNORE INTO temp.present SELECT value FROM json_each(?)", (listed,)
        )
        rows = self._db.execute(
            "SELECT files.*, (SELECT count(*) FROM notes WHERE file = files.path) AS notes"
            " FROM files WHERE path IN (SELECT value FROM json_each(?))",
            (listed,),
        )
        return {row["path"]: FileStamp(**{**row, "gone": bool(row["gone"])}) for row in rows}

    def paths_of_content(self, sha256: str) -> list[str]:
        """The files that had this content when they were read."""
        rows = self._db.execute("SELECT path FROM files WHERE sha256 = ?", (sha256,))
        return [row["path"] for row in rows]

    def save(self, files: Iterable[ReadFile]) -> Counts:
        """Record files with their notes, in one transaction."""
        counts = Counts()
        with transaction(self._db):
            for file in files:
                self._save_file(file, counts)
        return counts

    def notice_gone(self, sources: Iterable[str]) -> int:
        """Mark files below the sources, and their notes, that no call of `known` named.

        The notes' text stays in the library. Returns how many notes went.
        """
        removed = 0
        with transaction(self._db):
            for source in sources:
                removed += self._notice_gone_below(source)
        return removed

    def skipped_below(self, source: str) -> list[tuple[str, str]]:
        """What is left out below `source`: path and reason."""
        rows = self._db.execute(
            f"SELECT path, reason FROM skipped WHERE {_BELOW} ORDER BY path", {"source": source}
        )
        return [(row["path"], row["reason"]) for row in rows]

    def _save_file(self, file: ReadFile, counts: Counts) -> None:
        if file.moved_from:
            self._move(file.moved_from, file.stamp)
        if file.notes is None:
            self._db.execute(
                # Only with its file: a part may be gone from a file that stays.
                "UPDATE notes SET gone = 0 WHERE file = ? AND gone"
                " AND (SELECT gone FROM files WHERE files.path = notes.file)",
                (file.stamp.path,),
            )
            counts.unchanged += 0 if file.skipped else file.stamp.notes
        else:
            self._replace_notes(file, file.notes, counts)
        if file.opened:
            self._save_stamp(file.stamp)
        if file.skipped is not None:
            self._replace_skipped(file.stamp, file.skipped)

    def _replace_notes(self, file: ReadFile, notes: tuple[NewNote, ...], counts: Counts) -> None:
        known = {
            row["path"]: row
            for row in self._db.execute(
                "SELECT notes.id, notes.path, notes.title, notes.sha256, notes.gone, files.readers"
                " FROM notes LEFT JOIN files ON files.path = notes.file WHERE notes.file = ?",
                (file.stamp.path,),
            )
        }
        for note in notes:
            old = known.pop(note.path, None)
            if old is None:
                counts.added += 1
            elif old["sha256"] != note.sha256:
                counts.changed += 1
            else:
                counts.unchanged += 1
            if old is None or not _is_same(old, note, file.stamp.readers):
                self._notes.write(note)
        gone = [row["id"] for row in known.values() if not row["gone"]]
        self._notes.mark_gone(gone)
        counts.removed += len(gone)

    def _move(self, old: str, stamp: FileStamp) -> None:
        values = {"old": old, "new": stamp.path, "source": stamp.source}
        self._db.execute("DELETE FROM skipped WHERE file = :old", values)
        self._db.execute("UPDATE files SET path = :new, source = :source WHERE path = :old", values)
        self._db.execute(
            "UPDATE notes SET file = :new, path = :new || substr(path, length(:old) + 1),"
            " source = :source WHERE file = :old",
            values,
        )

    def _save_stamp(self, stamp: FileStamp) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO files (path, source, size, mtime_ns, sha256, readers)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (
                stamp.path,
                stamp.source,
                stamp.size,
                stamp.mtime_ns,
                stamp.sha256,
                stamp.readers,
            ),
        )

    def _replace_skipped(self, stamp: FileStamp, skipped: Sequence[tuple[str, str]]) -> None:
        path, source = stamp.path, stamp.source
        self._db.execute("DELETE FROM skipped WHERE file = ?", (path,))
        self._db.executemany(
            "INSERT OR REPLACE INTO skipped (path, source, reason, at, file)"
            " VALUES (?, ?, ?, ?, ?)",
            [(part, source, reason, time.time(), path) for part, reason in skipped],
        )

    def _notice_gone_below(self, source: str) -> int:
        values = {"source": source}
        absent = "NOT IN (SELECT path FROM temp.present)"
        self._db.execute(f"DELETE FROM skipped WHERE {_BELOW} AND file {absent}", values)
        self._db.execute(f"UPDATE files SET gone = 1 WHERE {_BELOW} AND path {absent}", values)
        return self._db.execute(
            f"UPDATE notes SET gone = 1 WHERE NOT gone AND {_BELOW} AND file {absent}", values
        ).rowcount


def _is_same(old: sqlite3.Row, note: NewNote, readers: int) -> bool:
    """Whether writing a note again would change nothing."""
    return (
        (old["sha256"], old["title"]) == (note.sha256, note.title)
        and old["readers"] == readers
        and not old["gone"]
    )
