"""Notes and their passages in the library."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec

from mlx_backend.errors import Kind, OvernightError
from mlx_backend.library.database import transaction
from mlx_backend.library.findings import kept_ranges, ranges_from_json
from mlx_backend.private_data.finding import Finding
from mlx_backend.private_data.masking import mask_copies, mask_part

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
    """A piece of a note short enough to teach."""

    id: int
    note_id: int
    note_title: str
    position: int
    heading: str
    text: str


@dataclass(frozen=True)
class NewNote:
    """A note as an import brings it.

    `path` is the file's, with the part where the file has several. `sha256` tells versions of the
    note apart. `created` is in seconds since 1970. `own_words` are the ranges of the text that
    the person wrote, None where it has one voice. `left_out` says what of the file is not in it.
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
    own_words: tuple[tuple[int, int], ...] | None = None
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
                Kind.NO_NOTES,
                "All notes are left out of training, so there is nothing to learn.",
                "The Notes page says why, and lets you use them all the same.",
            )
        raise OvernightError(
            Kind.NO_NOTES,
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
        notes = self._db.execute(
            "SELECT id, title, text, (SELECT spans FROM heeded WHERE note_id = notes.id"
            " AND step = 'boilerplate') AS left_out, secret.spans AS secrets, secret.value AS kinds"
            " FROM notes LEFT JOIN heeded AS secret"
            " ON secret.note_id = notes.id AND secret.step = 'secrets'"
            " WHERE included AND NOT gone ORDER BY path"
        )
        for note in notes:
            left_out = ranges_from_json(note["left_out"])
            secrets = _secrets(note["secrets"], note["kinds"])
            title = mask_copies(note["title"], note["text"], secrets)
            rows = self._db.execute(
                "SELECT id, position, start, end, heading FROM passages WHERE note_id = ?"
                " ORDER BY position",
                (note["id"],),
            )
            for row in rows:
                kept = kept_ranges(row["start"], row["end"], left_out)
                text = _taught(note["text"], list(kept), secrets)
                if text:
                    heading = mask_copies(row["heading"], note["text"], secrets)
                    yield Passage(row["id"], note["id"], title, row["position"], heading, text)

    def set_included(self, note_ids: Iterable[int], included: bool) -> None:
        """Let training use these notes, or leave them out: the person's choice, which stays."""
        chosen = [(int(included), note_id) for note_id in note_ids]
        with transaction(self._db):
            self._db.executemany("UPDATE notes SET included = ? WHERE id = ?", chosen)
            self._db.executemany(
                "INSERT INTO choices (included, note_id) SELECT ?, id FROM notes WHERE id = ?"
                " ON CONFLICT (note_id) DO UPDATE SET included = excluded.included",
                chosen,
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

    def forget_adapter(self, adapter: str) -> None:
        """Record that what only `adapter` had learned is to be learned again."""
        self._db.execute(
            "UPDATE notes SET learned_sha256 = NULL, learned_by = NULL WHERE learned_by = ?",
            (adapter,),
        )

    def skipped(self) -> Sequence[tuple[str, str]]:
        """Files that imports left out: path and reason."""
        rows = self._db.execute("SELECT path, reason FROM skipped ORDER BY path")
        return [(row["path"], row["reason"]) for row in rows]


def _row(note: NewNote) -> dict[str, object]:
    """The columns of a note that an import sets."""
    own = note.own_words
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
        "own_words": None if own is None else msgspec.json.encode(own).decode(),
        "left_out": note.left_out,
    }


def _secrets(spans: str | None, kinds: str | None) -> Sequence[Finding]:
    """The findings of the step that looks for secrets, as they were stored."""
    if not spans or not kinds:
        return ()
    found = zip(kinds.split(";"), ranges_from_json(spans), strict=True)
    return [Finding(kind, start, end) for kind, (start, end) in found]


def _taught(text: str, kept: Sequence[tuple[int, int]], secrets: Sequence[Finding]) -> str:
    """What of a note's text is taught: the kept ranges, with secrets masked."""
    pieces = [mask_part(text, secrets, first, last) for first, last in kept]
    if len(pieces) == 1:
        return pieces[0]
    return "\n\n".join(piece.strip() for piece in pieces if piece.strip())


def match_query(search: str) -> str:
    """What a person typed as FTS5's query: words and their beginnings; "" when it has no word.

    Each word is quoted, so that nothing is taken for FTS5's query language. A single Latin letter
    stands for itself: with all words that begin with it, nearly every note would be found.
    """
    words = "".join(c if c.isalnum() else " " for c in search).split()
    return " ".join(
        f'"{word}"' if len(word) == 1 and word.isascii() else f'"{word}"*' for word in words
    )
