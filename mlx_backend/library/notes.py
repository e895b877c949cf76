"""Notes and their passages in the library."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.library.allowed_secrets import AllowedSecrets
from mlx_backend.library.database import transaction
from mlx_backend.library.training_text import TRAINING_NOTES, Reply, TrainingText
from mlx_backend.library.voices import Voice, encode_voices

NoteStatus = Literal["new", "changed", "learned", "excluded", "gone"]

_STATUS = """
    CASE WHEN gone THEN 'gone'
         WHEN NOT included THEN 'excluded'
         WHEN learned_sha256 IS NULL THEN 'new'
         WHEN learned_sha256 <> sha256 THEN 'changed'
         ELSE 'learned' END
"""
SUMMARY = f"SELECT id, title, path, source, words, tokens, {_STATUS} AS status FROM notes"
"""The beginning of a query whose rows are NoteSummaries."""


@dataclass(frozen=True)
class NoteSummary:
    """A note as a list shows it."""

    id: int
    title: str
    path: str
    source: str
    words: int
    tokens: int
    status: NoteStatus


@dataclass(frozen=True)
class Span:
    """Where a passage lies in its note: characters [start, end), under `heading`."""

    start: int
    end: int
    heading: str


@dataclass(frozen=True)
class Passage:
    """A piece of a note short enough to teach.

    Where others' words are left out of it, `replies` are what the person answered to them.
    """

    id: int
    note_id: int
    note_title: str
    position: int
    heading: str
    text: str
    replies: tuple[Reply, ...] = ()

    @property
    def topic(self) -> str:
        """What it is about: its note, and the heading right above it where that says more."""
        heading = self.heading.rpartition(" › ")[2]
        says_more = heading and self.note_title not in {heading, self.heading}
        return f"{self.note_title}, {heading}" if says_more else self.note_title


@dataclass(frozen=True)
class NewNote:
    """A note as an import brings it.

    `path` is the file's, with the part where the file has several. `sha256` tells versions of the
    note apart. `created` is in seconds since 1970. `voices` are the turns in a text of
    several voices. `left_out` says what of the file is not in it.
    """

    path: str
    source: str
    title: str
    text: str
    sha256: str
    words: int
    tokens: int
    passages: tuple[Span, ...]
    file: str = ""
    part: str = ""
    kind: str = "text"
    created: float = 0.0
    author: str = ""
    voices: tuple[Voice, ...] = ()
    left_out: str = ""


@dataclass(frozen=True)
class Totals:
    """Sums over the notes that training would use."""

    notes: int
    words: int
    tokens: int


class Notes:
    """The notes of a library, over one database connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    @property
    def connection(self) -> sqlite3.Connection:
        """The connection that these notes are read and written over."""
        return self._db

    def summaries(self, search: str = "") -> list[NoteSummary]:
        """All notes that match `search` (words or their beginnings), best first, else by path."""
        query = match_query(search)
        if query:
            rows = self._db.execute(
                f"{SUMMARY} JOIN (SELECT rowid, rank FROM notes_index WHERE notes_index MATCH ?"
                " ORDER BY rank) AS hit ON hit.rowid = notes.id ORDER BY hit.rank",
                (query,),
            )
        else:
            rows = self._db.execute(f"{SUMMARY} ORDER BY path")
        return [NoteSummary(**row) for row in rows]

    def page(self, search: str = "", limit: int = 100, offset: int = 0) -> list[NoteSummary]:
        """A piece of `summaries`, which takes as long as the piece: for lists that are scrolled."""
        query = match_query(search)
        if query:
            rows = self._db.execute(
                f"{SUMMARY} JOIN (SELECT rowid, rank FROM notes_index WHERE notes_index MATCH ?"
                " ORDER BY rank, rowid LIMIT ? OFFSET ?) AS hit ON hit.rowid = notes.id"
                " ORDER BY hit.rank, id",
                (query, limit, offset),
            )
        else:
            rows = self._db.execute(f"{SUMMARY} ORDER BY path LIMIT ? OFFSET ?", (limit, offset))
        return [NoteSummary(**row) for row in rows]

    def count(self, search: str = "") -> int:
        """How many notes match `search`: how far `page` reaches."""
        query = match_query(search)
        where = "notes_index WHERE notes_index MATCH ?" if query else "notes"
        row = self._db.execute(f"SELECT count(*) FROM {where}", (query,) if query else ())
        return int(row.fetchone()[0])

    def present(self) -> int:
        """How many notes there are whose files are there."""
        return int(self._db.execute("SELECT count(*) FROM notes WHERE NOT gone").fetchone()[0])

    def text(self, note_id: int) -> str:
        """A note's whole text; "" when it does not exist."""
        row = self._db.execute("SELECT text FROM notes WHERE id = ?", (note_id,)).fetchone()
        return str(row["text"]) if row else ""

    def left_out(self, note_id: int) -> str:
        """What of a note's file is not in its text, in plain words; "" when all is."""
        row = self._db.execute("SELECT left_out FROM notes WHERE id = ?", (note_id,)).fetchone()
        return str(row["left_out"]) if row else ""

    def spans(self, note_id: int) -> Sequence[Span]:
        """Where a note's passages lie, in order."""
        rows = self._db.execute(
            "SELECT start, end, heading FROM passages WHERE note_id = ? ORDER BY position",
            (note_id,),
        )
        return [Span(**row) for row in rows]

    def totals(self) -> Totals:
        """Notes, words and tokens that training would use now."""
        row = self._db.execute(
            "SELECT count(*) AS notes, coalesce(sum(words), 0) AS words,"
            " coalesce(sum(tokens), 0) AS tokens FROM notes WHERE included AND NOT gone"
        ).fetchone()
        return Totals(**row)

    def require_some(self) -> None:
        """Raise OvernightError when there are no notes that training would use."""
        if self.totals().notes > 0:
            return
        if self.count() > 0:
            raise OvernightError(
                ErrorKind.NO_NOTES,
                "All notes are left out of training, so there is nothing to learn.",
                "The Notes page says why, and lets you use them all the same.",
            )
        raise OvernightError(
            ErrorKind.NO_NOTES,
            "There are no notes to learn from yet.",
            "Add some: drop a folder on the window, or `overnight import FOLDER`.",
        )

    def passages(self) -> Iterator[Passage]:
        """Every passage that training would use, by note path and place.

        Without what curation leaves out of its text, with what is private masked, and without
        those of which nothing remains.
        """
        # Each text is fetched once and cut here: SQLite's substr would count through all of a long
        # one for each of its passages.
        allowed = AllowedSecrets(self._db)
        for note in self._db.execute(TRAINING_NOTES):
            taught = TrainingText(note, allowed)
            title = taught.line(note["title"])
            rows = self._db.execute(
                "SELECT id, position, start, end, heading FROM passages WHERE note_id = ?"
                " ORDER BY position",
                (note["id"],),
            )
            for row in rows:
                text = taught.piece(row["start"], row["end"])
                if text:
                    yield Passage(
                        id=row["id"],
                        note_id=note["id"],
                        note_title=title,
                        position=row["position"],
                        heading=taught.line(row["heading"]),
                        text=text,
                        replies=taught.replies(row["start"], row["end"]),
                    )

    def mark_learned(self, adapter: str, versions: dict[int, str]) -> None:
        """Record that `adapter` was trained on these versions (note id to SHA-256)."""
        with transaction(self._db):
            self._db.executemany(
                "UPDATE notes SET learned_sha256 = ?, learned_by = ? WHERE id = ?",
                [(sha256, adapter, note_id) for note_id, sha256 in versions.items()],
            )

    def versions(self) -> dict[int, str]:
        """The SHA-256 of every note that training would use, by note id."""
        rows = self._db.execute("SELECT id, sha256 FROM notes WHERE included AND NOT gone")
        return {row["id"]: row["sha256"] for row in rows}

    # --- what an import needs ---

    def save(self, notes: Iterable[NewNote]) -> None:
        """Insert or replace notes by path, with their passages, in one transaction."""
        with transaction(self._db):
            for note in notes:
                self.write(note)

    def write(self, note: NewNote) -> None:
        """Insert or replace a note by path, within a transaction that the caller has begun."""
        fields = _row(note)
        (note_id,) = self._db.execute(
            f"INSERT INTO notes ({', '.join(fields)}) VALUES ({', '.join('?' * len(fields))})"
            f" ON CONFLICT (path) DO UPDATE SET"
            f" {', '.join(f'{name} = excluded.{name}' for name in fields)}, gone = 0 RETURNING id",
            tuple(fields.values()),
        ).fetchone()
        self._db.execute("DELETE FROM passages WHERE note_id = ?", (note_id,))
        self._db.executemany(
            "INSERT INTO passages (note_id, position, start, end, heading) VALUES (?, ?, ?, ?, ?)",
            [
                (note_id, position, span.start, span.end, span.heading)
                for position, span in enumerate(note.passages)
            ],
        )

    def mark_gone(self, note_ids: Iterable[int]) -> None:
        """Record that these notes' files are no longer there; their text stays in the library."""
        self._db.executemany("UPDATE notes SET gone = 1 WHERE id = ?", [(n,) for n in note_ids])

    def skipped(self) -> Sequence[tuple[str, str]]:
        """Files that imports left out: path and reason."""
        rows = self._db.execute("SELECT path, reason FROM skipped ORDER BY path")
        return [(row["path"], row["reason"]) for row in rows]


def _row(note: NewNote) -> dict[str, object]:
    """The columns of a note that an import sets."""
    return {
        "path": note.path,
        "source": note.source,
        "title": note.title,
        "text": note.text,
        "sha256": note.sha256,
        "words": note.words,
        "tokens": note.tokens,
        "imported_at": time.time(),
        "file": note.file or note.path,
        "part": note.part,
        "kind": note.kind,
        "created": note.created,
        "author": note.author,
        "voices": encode_voices(note.voices),
        "left_out": note.left_out,
    }


def match_query(search: str) -> str:
    """What a person typed as FTS5's query; "" when it has no word."""
    from mlx_backend.text.segmenting import phrase_query  # it takes a while to make its patterns

    return phrase_query(search)
