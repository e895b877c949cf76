"""What curation found about notes, with its reasons, and undoing its steps."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Literal

from mlx_backend.library.allowed_secrets import AllowedSecrets
from mlx_backend.library.database import transaction
from mlx_backend.library.inclusion import update_included
from mlx_backend.library.note_secrets import note_secrets
from mlx_backend.library.text_ranges import Ranges, decode_ranges

Step = Literal[
    "duplicate", "near_duplicate", "quality", "boilerplate", "language", "authorship", "secrets"
]

_SECRETS: Step = "secrets"


@dataclass(frozen=True)
class CurationFinding:
    """What one step of curation found about one note: a row of the table `findings`.

    `Reason` explains the fields. In `reason`, {note} stands for the title of the note `stays`.
    """

    note_id: int
    step: Step
    reason: str
    leaves_out: bool = False
    stays: int | None = None
    score: float | None = None
    value: str = ""
    spans: Ranges = ()


@dataclass(frozen=True)
class Reason:
    """A finding about a note, as a person reads it.

    `leaves_out` tells that the whole note is left out by default, `spans` which text of it is;
    neither holds when `undone`. `stays` is the note that is used instead, unless the person left it
    out, which holds for its copies too. `score`, from 0 to 1, is
    the share of wording in common, the quality, or how sure the language is, whose code is `value`.
    Of secrets, `value` has the kinds, one for each of the spans, between semicolons; the spans are
    those that are masked, or where none is, those that the person allows. `digests` stand for
    them, for `undo` to allow no more than was seen.
    """

    step: Step
    sentence: str
    leaves_out: bool
    undone: bool
    stays: int | None
    score: float | None
    value: str
    spans: Ranges
    digests: tuple[bytes, ...] = ()


class CurationFindings:
    """The findings about the notes of a library, over one database connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    def reasons(self, note_id: int) -> list[Reason]:
        """Everything found about a note, what leaves it out first."""
        rows = self._db.execute(
            "SELECT found.*, CASE WHEN kept.title = notes.title THEN kept.path ELSE kept.title"
            " END AS kept_name, NOT EXISTS (SELECT 1 FROM heeded WHERE"
            " heeded.note_id = found.note_id AND heeded.step = found.step) AS undone,"
            " of_kept.included AS keeps"
            " FROM all_findings AS found JOIN notes ON notes.id = found.note_id"
            " LEFT JOIN notes AS kept ON kept.id = found.stays"
            " LEFT JOIN choices AS of_kept ON of_kept.note_id = found.stays"
            " WHERE found.note_id = ? ORDER BY leaves_out DESC, found.step",
            (note_id,),
        )
        reasons = map(_reason, rows)
        return [
            self._secrets_reason(reason, note_id) if reason.step == _SECRETS else reason
            for reason in reasons
        ]

    def why_left_out(self, note_id: int) -> str:
        """In a sentence, why training does not use a note that is left out."""
        if self.choice(note_id) is False:
            return "You left it out."
        found = (r.sentence for r in self.reasons(note_id) if r.leaves_out and not r.undone)
        return next(found, "You left out its folder.")

    def choice(self, note_id: int) -> bool | None:
        """Whether the person included or excluded a note; None when they left it to curation."""
        row = self._db.execute(
            "SELECT included FROM choices WHERE note_id = ?", (note_id,)
        ).fetchone()
        return bool(row["included"]) if row else None

    def undo(
        self, step: Step, note_id: int | None = None, only: Collection[bytes] | None = None
    ) -> None:
        """Take back what a step leaves out of a note, or of all notes, now and in future.

        Of secrets, just what was found by now is allowed, so that a later one is masked; `only`
        of a Reason's digests, where they are given.
        """
        with transaction(self._db):
            if step == _SECRETS:
                self._allow(note_id, only)
                return
            self._db.execute(
                "INSERT OR IGNORE INTO undone SELECT ?1, ?2"
                " WHERE ?2 IS NULL OR EXISTS (SELECT 1 FROM notes WHERE id = ?2)",
                (step, note_id),
            )
            update_included(self._db, None if note_id is None else [note_id])

    def redo(
        self, step: Step, note_id: int | None = None, only: Collection[bytes] | None = None
    ) -> None:
        """Take `undo` back; of secrets, for `only` these where they are given."""
        with transaction(self._db):
            if step == _SECRETS:
                AllowedSecrets(self._db).forget(note_id, only)
                return
            self._db.execute("DELETE FROM undone WHERE step = ? AND note_id IS ?", (step, note_id))
            update_included(self._db, None if note_id is None else [note_id])

    def undone_steps(self) -> set[Step]:
        """The steps that are undone for all notes."""
        rows = self._db.execute("SELECT step FROM undone WHERE note_id IS NULL")
        return {row["step"] for row in rows}

    def counts(self) -> dict[Step, int]:
        """How many notes each step leaves something out of now, for the steps that do."""
        rows = self._db.execute(
            "SELECT step, count(*) AS notes FROM heeded JOIN notes ON notes.id = heeded.note_id"
            " WHERE NOT gone AND (leaves_out OR spans IS NOT NULL) GROUP BY step"
        )
        counts: dict[Step, int] = {row["step"]: row["notes"] for row in rows}
        if wholly := self._wholly_allowed():
            counts[_SECRETS] -= wholly
        return {step: notes for step, notes in counts.items() if notes}

    def _secrets_reason(self, reason: Reason, note_id: int) -> Reason:
        for secrets in note_secrets(self._db, note_id):
            shown = secrets.masked or secrets.found
            return replace(
                reason,
                sentence=secrets.sentence,
                undone=not secrets.masked,
                value=";".join(each.kind for each in shown),
                spans=tuple((each.start, each.end) for each in shown),
                digests=secrets.digests_of(shown),
            )
        return reason

    def _allow(self, note_id: int | None, only: Collection[bytes] | None) -> None:
        allowed = AllowedSecrets(self._db)
        for secrets in note_secrets(self._db, note_id):
            chosen = secrets.digests if only is None else set(only).intersection(secrets.digests)
            allowed.allow(secrets.note_id, chosen)

    def _wholly_allowed(self) -> int:
        """How many notes have secrets of which none is masked."""
        rows = self._db.execute(
            "SELECT DISTINCT note_id FROM allowed_secrets JOIN notes ON notes.id = note_id"
            " WHERE NOT gone"
        ).fetchall()
        found = (each for row in rows for each in note_secrets(self._db, row["note_id"]))
        return sum(not secrets.masked for secrets in found)


def _sentence(row: sqlite3.Row) -> str:
    sentence = str(row["reason"])
    if row["keeps"] == 0:
        sentence = sentence.replace("{note}.", "{note}, which you left out.")
    return sentence.replace("{note}", f"“{row['kept_name'] or 'another note'}”")


def _reason(row: sqlite3.Row) -> Reason:
    return Reason(
        step=row["step"],
        sentence=_sentence(row),
        leaves_out=bool(row["leaves_out"]),
        undone=bool(row["undone"]),
        stays=row["stays"],
        score=row["score"],
        value=row["value"],
        spans=decode_ranges(row["spans"]),
    )
