"""The side of the library that imports read and write: files, notes, moves, skipped parts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePath

import msgspec

from mlx_backend.library.bin.rows import RowBin
from mlx_backend.library.database import transaction
from mlx_backend.library.deleted_notes import DeletedNotes
from mlx_backend.library.note_matching import KnownNote, match
from mlx_backend.library.note_paths import settle, unused_path
from mlx_backend.library.notes import NewNote, Notes

_BELOW = "(path = :source OR (path > :source || '/' AND path < :source || '0'))"
"""SQL: `path` is :source or below it. `0` is the character after `/`, so an index serves it."""


@dataclass(frozen=True)
class FileStamp:
    """The state of a file when it was read, to tell whether it has changed since.

    `size` is in bytes. `readers` is the version of the readers that read it. `notes` is the number
    of notes that it gave. `gone`: the last import no longer found it.
    """

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
    """The result of reading a file.

    `skipped` are (path, reason) of the file, or of parts of it, that were not read. When `notes` or
    `skipped` is None, the library keeps what it has. `opened` is False when the file could not be
    opened. `whole` is False when the unread rest of the file may hold more notes.
    """

    stamp: FileStamp
    notes: tuple[NewNote, ...] | None = None
    skipped: tuple[tuple[str, str], ...] | None = None
    opened: bool = True
    whole: bool = True


IsThere = Callable[[FileStamp, str], bool]
"""Tells whether the file of a stamp still has that content, which is now also at the given path."""


@dataclass
class Counts:
    """How many notes were added, changed, left unchanged, and removed."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    removed: int = 0


class ImportRecords:
    """Records what an import found, over one database connection.

    Lists that grow with the number of files are kept in temporary tables, not in memory.
    """

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._db = notes.connection
        self._deleted = DeletedNotes(self._db)
        self._set_aside: dict[str, int] = {}
        self._db.execute("CREATE TEMP TABLE IF NOT EXISTS present (path TEXT PRIMARY KEY) STRICT")
        self._db.execute("CREATE TEMP TABLE IF NOT EXISTS spared (path TEXT PRIMARY KEY) STRICT")
        self._db.execute("DELETE FROM temp.present")
        self._db.execute("DELETE FROM temp.spared")

    def known(self, paths: Sequence[str]) -> dict[str, FileStamp]:
        """The stamps of those files that the library knows; marks all of them as present."""
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

    def take_in_again(self, file: str) -> int:
        """Restore the deleted note that makes up a file, because the person imports this very file.

        Returns how many notes came back from the bin (0 or 1).
        """
        with transaction(self._db):
            return RowBin(self._db).restore_file(file)

    def spare(self, folders: Sequence[str]) -> None:
        """Keep `notice_gone` from what is below these folders, because they could not be read."""
        self._db.executemany(
            "INSERT OR IGNORE INTO temp.spared VALUES (?)", [(path,) for path in folders]
        )

    def save(self, files: Iterable[ReadFile], is_there: IsThere) -> Counts:
        """Record files with their notes, in one transaction; returns the counts.

        A file whose content was elsewhere, and is no longer there, has moved: its notes move along.
        """
        counts = Counts()
        with transaction(self._db):
            for file in files:
                self._save_file(file, counts, is_there)
        return counts

    def notice_gone(self, sources: Iterable[str]) -> int:
        """Mark files below the sources that `known` was not asked about as gone, with their notes.

        Skips what is below folders given to `spare`. The text of every note stays in the library.
        Returns how many notes were marked.
        """
        removed = 0
        with transaction(self._db):
            for source in sources:
                removed += self._notice_gone_below(source)
        return removed

    def skipped_below(self, source: str) -> list[tuple[str, str]]:
        """(path, reason) of everything skipped at or below `source`."""
        rows = self._db.execute(
            f"SELECT path, reason FROM skipped WHERE {_BELOW} ORDER BY path", {"source": source}
        )
        return [(row["path"], row["reason"]) for row in rows]

    def _save_file(self, file: ReadFile, counts: Counts, is_there: IsThere) -> None:
        if file.notes is None:
            self._db.execute(
                # Only if the file was gone as well: a part can go while its file stays.
                "UPDATE notes SET gone = 0 WHERE file = ? AND gone"
                " AND (SELECT gone FROM files WHERE files.path = notes.file)",
                (file.stamp.path,),
            )
            counts.unchanged += 0 if file.skipped else file.stamp.notes
        else:
            moved_from = self._moved_from(file.stamp, is_there)
            if moved_from:
                self._move(moved_from, file.stamp, counts)
            self._replace_notes(file, file.notes, moved_from or file.stamp.path, counts)
        if file.opened:
            self._save_stamp(file.stamp)
        if file.skipped is not None:
            self._replace_skipped(file.stamp, file.skipped)
        self._deleted.list_of_file(file.stamp.path)

    def _replace_notes(
        self, file: ReadFile, notes: tuple[NewNote, ...], known_as: str, counts: Counts
    ) -> None:
        stamp = file.stamp
        known = self._known_notes(stamp.path, known_as)
        same, notes = self._matched(file, notes, known, known_as)
        kept = {old.id for old in same.values()}
        left = [old for old in known if old.id not in kept]
        wanted = {note.path for note in notes}
        paths = {old.id: path for path, old in same.items()}
        paths |= {n.id: p for n in left if (p := stamp.path + n.place) not in wanted}
        settle(self._db, paths, wanted)
        is_read_anew = self._readers(stamp.path) != stamp.readers
        for note in notes:
            old = same.get(note.path)
            if old is None:
                counts.added += 1
            elif old.sha256 != note.sha256:
                counts.changed += 1
            else:
                counts.unchanged += 1
            if old is None or is_read_anew or _is_to_write(old, note):
                self._notes.write(note)
        gone = [old.id for old in left if not old.gone and not _may_be_there(old, file)]
        self._notes.mark_gone(gone)
        counts.removed += len(gone)

    def _matched(
        self, file: ReadFile, notes: tuple[NewNote, ...], known: list[KnownNote], known_as: str
    ) -> tuple[dict[str, KnownNote], tuple[NewNote, ...]]:
        """Match the notes of a file with the known and the deleted ones.

        Returns the known note that each note continues, by its path, and the notes without those
        that the person deleted.
        """
        path = file.stamp.path
        deleted = self._deleted.of_file(path, known_as)
        same = match([*known, *deleted], notes, file.stamp.mtime_ns / 1e9)
        found = {at: old.id for at, old in same.items() if old.deleted}
        places = {old.id: path + old.place for old in deleted}
        self._deleted.settle(places | {note_id: at for at, note_id in found.items()})
        return (
            {at: old for at, old in same.items() if not old.deleted},
            tuple(note for note in notes if note.path not in found),
        )

    def _known_notes(self, file: str, known_as: str) -> list[KnownNote]:
        """The notes of a file, whose paths still begin with its old path `known_as`."""
        rows = self._db.execute(
            "SELECT id, path, substr(path, length(:known_as) + 1) AS place, part, kind, title,"
            " sha256, created, gone FROM notes WHERE file = :file",
            {"file": file, "known_as": known_as},
        )
        return [KnownNote(**{**row, "gone": bool(row["gone"])}) for row in rows]

    def _readers(self, path: str) -> int:
        """The version of the readers that last read a file; 0 for an unknown file."""
        row = self._db.execute("SELECT readers FROM files WHERE path = ?", (path,)).fetchone()
        return int(row["readers"]) if row else 0

    def _moved_from(self, stamp: FileStamp, is_there: IsThere) -> str:
        """The path that a file was moved from; "" when it was not moved."""
        rows = self._db.execute(
            "SELECT *, 0 AS notes FROM files WHERE sha256 = ? ORDER BY path", (stamp.sha256,)
        )
        stamps = [FileStamp(**{**row, "gone": bool(row["gone"])}) for row in rows]
        if any(each.path == stamp.path for each in stamps):
            return ""
        name = PurePath(stamp.path).name
        stamps.sort(key=lambda each: PurePath(each.path).name != name)
        return next((each.path for each in stamps if not is_there(each, stamp.path)), "")

    def _move(self, old: str, stamp: FileStamp, counts: Counts) -> None:
        """Record that a file moved from `old`; the paths of its notes are set later."""
        counts.removed -= self._set_aside.pop(old, 0)
        counts.removed += self._set_file_aside(stamp.path)
        values = {"old": old, "new": stamp.path, "source": stamp.source}
        self._db.execute("DELETE FROM skipped WHERE file = :old", values)
        self._db.execute("UPDATE files SET path = :new, source = :source WHERE path = :old", values)
        self._db.execute("UPDATE notes SET file = :new, source = :source WHERE file = :old", values)
        self._deleted.move(old, stamp.path, stamp.source)

    def _set_file_aside(self, path: str) -> int:
        """Free a path for another file, and mark the notes of the file that was there as gone.

        A later file with the same content can take them over. Returns how many notes were marked.
        """
        known, deleted = self._known_notes(path, path), self._deleted.of_file(path, path)
        aside = unused_path(self._db, path)
        if known or deleted:
            settle(self._db, {note.id: aside + note.place for note in known})
            self._deleted.settle({note.id: aside + note.place for note in deleted})
            values = {"path": path, "aside": aside}
            self._db.execute("UPDATE notes SET file = :aside WHERE file = :path", values)
            self._db.execute("UPDATE deleted_notes SET file = :aside WHERE file = :path", values)
            self._db.execute("UPDATE files SET path = :aside, gone = 1 WHERE path = :path", values)
        else:
            self._db.execute("DELETE FROM files WHERE path = ?", (path,))
        gone = [note.id for note in known if not note.gone]
        self._notes.mark_gone(gone)
        self._set_aside[aside] = len(gone)
        return len(gone)

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
        self._db.execute(
            f"DELETE FROM skipped WHERE {_BELOW} AND {_absent('skipped.file')}", values
        )
        self._db.execute(
            f"UPDATE files SET gone = 1 WHERE {_BELOW} AND {_absent('files.path')}", values
        )
        return self._db.execute(
            f"UPDATE notes SET gone = 1 WHERE NOT gone AND {_BELOW} AND {_absent('notes.file')}",
            values,
        ).rowcount


def _absent(file: str) -> str:
    """SQL: this import did not find the file, although it could look."""
    return (
        f"{file} NOT IN (SELECT path FROM temp.present) AND NOT EXISTS (SELECT 1 FROM temp.spared"
        f" AS folder WHERE {file} > folder.path || '/' AND {file} < folder.path || '0')"
    )


def _is_to_write(old: KnownNote, note: NewNote) -> bool:
    """Whether the stored note differs from the note just read."""
    return old.gone or (old.sha256, old.title, old.part) != (note.sha256, note.title, note.part)


def _may_be_there(known: KnownNote, file: ReadFile) -> bool:
    """Whether a note that was not found may be in a part of the file that could not be read."""
    if not file.whole:
        return True
    path = file.stamp.path + known.place
    return not known.has_own_date and any(
        path == part or path.startswith(f"{part}/") for part, _ in file.skipped or ()
    )
