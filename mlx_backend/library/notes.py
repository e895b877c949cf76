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
"""The start of a query; its rows have the fields of `NoteSummary`."""


@dataclass(frozen=True)
class NoteSummary:
    """A note for lists, without its text."""

    id: int
    title: str
    path: str
    source: str
    words: int
    tokens: int
    status: NoteStatus


@dataclass(frozen=True)
class Span:
    """The place of a passage in its note: characters [start, end), under `heading`."""

    start: int
    end: int
    heading: str


@dataclass(frozen=True)
class Passage:
    """A piece of a note short enough to teach.

    When other people's words are left out of it, `replies` are the person's answers to them.
    `position` numbers the passages of a note from 0.
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
        """What the passage is about: the title of its note, and its heading if that says more."""
        heading = self.heading.rpartition(" › ")[2]
        says_more = heading and self.note_title not in {heading, self.heading}
        return f"{self.note_title}, {heading}" if says_more else self.note_title


@dataclass(frozen=True)
class NewNote:
    """A note as an import saves it.

    `path` is the path of its file, followed by the part when the file holds several notes. `sha256`
    identifies the version of the note. `created` is Unix time in seconds. `voices` are the turns of
    a text with several speakers. `left_out` tells the person what of the file is not in the text.
    `aliases` are further titles, `tags` what it is filed under; none of them has a line break.
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
    aliases: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Totals:
    """Sums over the notes that training uses."""

    notes: int
    words: int
    tokens: int


class Notes:
    """Reads and writes the notes of a library, over one database connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    @property
    def connection(self) -> sqlite3.Connection:
        """The database connection."""
        return self._db

    def summaries(self, search: str = "") -> list[NoteSummary]:
        """All notes that match `search` (words or their beginnings), best first; else by path."""
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
        """Rows `offset` to `offset + limit` of `summaries`, for lists that are scrolled."""
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
        """How many notes match `search`: the number of rows that `page` can give."""
        query = match_query(search)
        where = "notes_index WHERE notes_index MATCH ?" if query else "notes"
        row = self._db.execute(f"SELECT count(*) FROM {where}", (query,) if query else ())
        return int(row.fetchone()[0])

    def present(self) -> int:
        """How many notes have a file that still exists."""
        return int(self._db.execute("SELECT count(*) FROM notes WHERE NOT gone").fetchone()[0])

    def text(self, note_id: int) -> str:
        """The whole text of a note; "" when there is no such note."""
        row = self._db.execute("SELECT text FROM notes WHERE id = ?", (note_id,)).fetchone()
        return str(row["text"]) if row else ""

    def left_out(self, note_id: int) -> str:
        """What of a note's file is not in its text, in words for the person; "" when nothing is."""
        row = self._db.execute("SELECT left_out FROM notes WHERE id = ?", (note_id,)).fetchone()
        return str(row["left_out"]) if row else ""

    def spans(self, note_id: int) -> Sequence[Span]:
        """The places of a note's passages, in order."""
        rows = self._db.execute(
            "SELECT start, end, heading FROM passages WHERE note_id = ? ORDER BY position",
            (note_id,),
        )
        return [Span(**row) for row in rows]

    def totals(self) -> Totals:
        """The number of notes, words and tokens that training uses now."""
        row = self._db.execute(
            "SELECT count(*) AS notes, coalesce(sum(words), 0) AS words,"
            " coalesce(sum(tokens), 0) AS tokens FROM notes WHERE included AND NOT gone"
        ).fetchone()
        return Totals(**row)

    def require_some(self) -> None:
        """Raise OvernightError when training would use no note."""
        if self.totals().notes > 0:
            return
        if self.count() > 0:
            raise OvernightError(
                ErrorKind.NO_NOTES,
                "All notes are left out of training, so there is nothing to learn.",
                "The Notes page says why, and lets you include them.",
            )
        raise OvernightError(
            ErrorKind.NO_NOTES,
            "There are no notes to learn from yet.",
            "Add some: drop a folder on the window, or `overnight import FOLDER`.",
        )

    def passages(self) -> Iterator[Passage]:
        """Every passage that training uses, ordered by note path and position.

        Parts that curation leaves out are cut, secrets are masked, and passages of which nothing
        remains are skipped.
        """
        # Fetch each text once and cut it here: SQLite's substr would scan a long text from its
        # start for every passage.
        allowed = AllowedSecrets(self._db)
        for note in self._db.execute(TRAINING_NOTES):
            training = TrainingText(note, allowed)
            title = training.line(note["title"])
            rows = self._db.execute(
                "SELECT id, position, start, end, heading FROM passages WHERE note_id = ?"
                " ORDER BY position",
                (note["id"],),
            )
            for row in rows:
                text = training.piece(row["start"], row["end"])
                if text:
                    yield Passage(
                        id=row["id"],
                        note_id=note["id"],
                        note_title=title,
                        position=row["position"],
                        heading=training.line(row["heading"]),
                        text=text,
                        replies=training.replies(row["start"], row["end"]),
                    )

    def mark_learned(self, adapter: str, versions: dict[int, str]) -> None:
        """Record that `adapter` was trained on these versions of notes (note id to SHA-256)."""
        with transaction(self._db):
            self._db.executemany(
                "UPDATE notes SET learned_sha256 = ?, learned_by = ? WHERE id = ?",
                [(sha256, adapter, note_id) for note_id, sha256 in versions.items()],
            )

    def versions(self) -> dict[int, str]:
        """The SHA-256 of every note that training uses, by note id."""
        rows = self._db.execute("SELECT id, sha256 FROM notes WHERE included AND NOT gone")
        return {row["id"]: row["sha256"] for row in rows}

    # --- what an import needs ---

    def save(self, notes: Iterable[NewNote]) -> None:
        """Insert notes with their passages, or replace those with the same path, all or none."""
        with transaction(self._db):
            for note in notes:
                self.write(note)

    def write(self, note: NewNote) -> None:
        """`save` for one note, within a transaction that the caller has begun."""
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
        """Record that the files of these notes are gone; their text stays in the library."""
        self._db.executemany("UPDATE notes SET gone = 1 WHERE id = ?", [(n,) for n in note_ids])

    def skipped(self) -> Sequence[tuple[str, str]]:
        """(path, reason) of all files that imports skipped."""
        rows = self._db.execute("SELECT path, reason FROM skipped ORDER BY path")
        return [(row["path"], row["reason"]) for row in rows]


def _row(note: NewNote) -> dict[str, object]:
    """The columns that an import sets, by name."""
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
        "aliases": "\n".join(note.aliases),
        "tags": "\n".join(note.tags),
    }


def match_query(search: str) -> str:
    """A query for FTS5 from what a person typed; "" when it has no words."""
    from mlx_backend.text.segmenting import phrase_query  # slow to import: compiles its patterns

    return phrase_query(search)
