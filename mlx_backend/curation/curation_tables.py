"""The tables of the library that curation reads and writes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mlx_backend.curation import pending
from mlx_backend.curation.boilerplate import PARAGRAPH, Paragraphs
from mlx_backend.curation.near_duplicates import PERMUTATIONS, Pair, Sketches
from mlx_backend.curation.note_analysis import NoteAnalysis, NoteText
from mlx_backend.library.curation_findings import CurationFinding, Step
from mlx_backend.library.database import transaction
from mlx_backend.library.inclusion import NEAREST_FOLDER, update_included
from mlx_backend.library.notes import Notes
from mlx_backend.library.own_names import update_authorship
from mlx_backend.library.text_ranges import encode_ranges

_COLUMNS = "note_id, step, leaves_out, reason, stays, score, value, spans"


@dataclass(frozen=True)
class ComparedNote:
    """A note for comparison; `unused`: it is left out already, for its quality or its folder."""

    note_id: int
    same_text: bytes
    length: int
    unused: bool


class CurationTables:
    """Reads notes and the stored data about them, and writes findings, over one connection."""

    def __init__(self, notes: Notes) -> None:
        self._db = notes.connection

    @property
    def connection(self) -> sqlite3.Connection:
        """The database connection."""
        return self._db

    def read(self, note_id: int) -> NoteText:
        """The note with this id; an empty one if it has been deleted meanwhile."""
        row = self._db.execute(
            "SELECT title, text, imported_at FROM notes WHERE id = ?", (note_id,)
        ).fetchone()
        if row is None:
            return NoteText(note_id, "", "", 0.0)
        return NoteText(note_id, row["title"], row["text"], row["imported_at"])

    def save_analyses(self, facts: Sequence[NoteAnalysis], sketches: Mapping[int, bytes]) -> None:
        """Store the analyses of notes; `sketches` are MinHash sketches by note id.

        Notes whose text an import replaced meanwhile are skipped, and so stay outdated.
        """
        with transaction(self._db):
            facts = [each for each in facts if self._is_as_it_was(each)]
            self._db.executemany(
                "INSERT OR REPLACE INTO curated"
                " (note_id, version, same_text, length, sketch, paragraphs)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                [
                    (
                        each.note_id,
                        pending.VERSION,
                        each.same_text,
                        each.length,
                        sketches.get(each.note_id, b""),
                        each.paragraphs.tobytes(),
                    )
                    for each in facts
                ],
            )
            self._forget(each.note_id for each in facts)
            self._insert(finding for each in facts for finding in each.findings)
            update_authorship(self._db, [each.note_id for each in facts])

    def begin_comparison(self) -> None:
        """Begin to compare: notes that change from now on will be compared again."""
        self._db.execute("UPDATE curated SET compared = 2 WHERE NOT compared")

    def end_comparison(self) -> None:
        """Record that all notes have been compared that did not change since `begin_comparison`."""
        self._db.execute("UPDATE curated SET compared = 1 WHERE compared = 2")

    def all_curated(self) -> list[ComparedNote]:
        """All analysed notes whose file exists, ordered by path, the unused ones last."""
        rows = self._db.execute(
            "SELECT note_id, same_text, length, EXISTS (SELECT 1 FROM findings WHERE leaves_out"
            " AND step = 'quality' AND findings.note_id = curated.note_id)"
            f" OR NOT {NEAREST_FOLDER} AS unused"
            " FROM curated JOIN notes ON notes.id = note_id WHERE NOT gone ORDER BY unused, path"
        )
        return [ComparedNote(**{**row, "unused": bool(row["unused"])}) for row in rows]

    def refused_texts(self) -> list[tuple[int, bytes]]:
        """(id, `same_text_key`) of the notes that the person left out one by one, even if gone.

        Notes in a folder that is left out do not count: the folder may be a backup of others.
        """
        rows = self._db.execute(
            "SELECT note_id, same_text FROM curated JOIN choices USING (note_id)"
            " JOIN notes ON notes.id = note_id WHERE NOT choices.included ORDER BY path"
        )
        return [(row["note_id"], row["same_text"]) for row in rows]

    def sketches(self, note_ids: Sequence[int]) -> tuple[list[int], Sketches]:
        """The ids of those notes that have a MinHash sketch, in order, and the sketches as rows."""
        kept: list[int] = []
        flat = bytearray()
        for note_id in note_ids:
            sketch = self._curated(note_id, "sketch")
            if sketch:
                kept.append(note_id)
                flat += sketch
        return kept, np.frombuffer(flat, np.uint32).reshape(len(kept), PERMUTATIONS)

    def paragraphs(self, note_id: int) -> Paragraphs:
        """The pieces of an analysed note that could be boilerplate."""
        return np.frombuffer(self._curated(note_id, "paragraphs"), PARAGRAPH)

    def likeness(self, pair: Pair) -> tuple[float, float] | None:
        """The stored result of `near_duplicates.compare` for two notes; None if never compared."""
        there, back = (
            self._db.execute(
                "SELECT share FROM likenesses WHERE note_id = ? AND other_id = ?", ids
            ).fetchone()
            for ids in (pair, pair[::-1])
        )
        return (there["share"], back["share"]) if there and back else None

    def save_likenesses(self, shares: Mapping[Pair, tuple[float, float]]) -> None:
        """Store results of `near_duplicates.compare`, except for notes that changed meanwhile."""
        with transaction(self._db):
            for (one, other), (there, back) in shares.items():
                if not (self._is_unchanged(one) and self._is_unchanged(other)):
                    continue
                self._db.executemany(
                    "INSERT OR REPLACE INTO likenesses VALUES (?, ?, ?)",
                    [(one, other, there), (other, one, back)],
                )

    def replace_findings(self, step: Step, findings: Sequence[CurationFinding]) -> None:
        """Replace all findings of a step that compares notes.

        Skips findings that are stored already, and those about, or referring to, notes that changed
        since `begin_comparison`.
        """
        with transaction(self._db):
            rows = self._db.execute(f"SELECT {_COLUMNS} FROM findings WHERE step = ?", (step,))
            old = {row["note_id"]: tuple(row) for row in rows}
            changed = [each for each in findings if old.pop(each.note_id, None) != _row(each)]
            self._db.executemany(
                "DELETE FROM findings WHERE note_id = ? AND step = ?",
                [(note_id, step) for note_id in old],
            )
            self._insert(
                each
                for each in changed
                if self._is_unchanged(each.note_id)
                and (each.stays is None or self._is_unchanged(each.stays))
            )

    def update_included(self) -> None:
        """Apply the findings and the person's choices to what training uses."""
        with transaction(self._db):
            update_included(self._db)

    def _forget(self, note_ids: Iterable[int]) -> None:
        """Delete the findings about the old texts of notes, and the comparisons with them."""
        forgotten = [(note_id,) for note_id in note_ids]
        self._db.executemany(
            "DELETE FROM findings WHERE note_id = ?"
            " AND step IN ('quality', 'language', 'authorship', 'secrets')",
            forgotten,
        )
        self._db.executemany(
            "DELETE FROM likenesses WHERE note_id = ?1 OR other_id = ?1", forgotten
        )

    def _insert(self, findings: Iterable[CurationFinding]) -> None:
        self._db.executemany(
            f"INSERT OR REPLACE INTO findings ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (_row(finding) for finding in findings),
        )

    def _is_as_it_was(self, facts: NoteAnalysis) -> bool:
        row = self._db.execute(
            "SELECT imported_at FROM notes WHERE id = ?", (facts.note_id,)
        ).fetchone()
        return row is not None and bool(row["imported_at"] == facts.written)

    def _is_unchanged(self, note_id: int) -> bool:
        """Whether a note has not changed since `begin_comparison`."""
        row = self._db.execute(
            "SELECT 1 FROM curated WHERE note_id = ? AND compared", (note_id,)
        ).fetchone()
        return row is not None

    def _curated(self, note_id: int, column: str) -> bytes:
        """A column of an analysed note; b"" if the note has changed since it was listed."""
        row = self._db.execute(
            f"SELECT {column} FROM curated WHERE note_id = ?", (note_id,)
        ).fetchone()
        return bytes(row[0]) if row else b""


def _row(finding: CurationFinding) -> tuple[object, ...]:
    return (
        finding.note_id,
        finding.step,
        int(finding.leaves_out),
        finding.reason,
        finding.stays,
        finding.score,
        finding.value,
        encode_ranges(finding.spans),
    )


def iterate_batches(ids: Sequence[int], store: CurationTables) -> Iterator[list[NoteText]]:
    """The notes with these ids, in batches of bounded size."""
    batch: list[NoteText] = []
    size = 0
    for note_id in ids:
        batch.append(store.read(note_id))
        size += len(batch[-1].text)
        if size > _MOST_TEXT or len(batch) == _MOST_NOTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


_MOST_TEXT = 1_000_000
_MOST_NOTES = 500
