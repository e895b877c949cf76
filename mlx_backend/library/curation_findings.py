"""What curation found about notes: reasons for the person, and undoing a step of curation."""

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
    """A finding about a note, worded for the person.

    `leaves_out`: the whole note is left out by default; `spans`: these parts of its text are.
    Neither applies when `undone`. `stays` is the id of the note that is used instead of a
    duplicate; if the person left that one out, the duplicate is left out too. `score` (0 to 1) is
    the share of common wording, the quality, or the confidence in the language, whose ISO 639 code
    is `value`.

    For the step "secrets", `value` holds the kinds, one a span, separated by semicolons. The spans
    are those that are masked or, if none is, those that the person allowed; `digests` identify
    them, so that `undo` allows only what the person saw.
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
    """Reads the findings of a library and undoes steps, over one database connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    def reasons(self, note_id: int) -> list[Reason]:
        """All findings about a note; those that leave it out come first."""
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
        """One sentence on why training does not use a note that is left out."""
        if self.choice(note_id) is False:
            return "You left it out."
        found = (r.sentence for r in self.reasons(note_id) if r.leaves_out and not r.undone)
        return next(found, "You left out its folder.")

    def choice(self, note_id: int) -> bool | None:
        """The person's decision about a note: True for included, False for left out, else None."""
        row = self._db.execute(
            "SELECT included FROM choices WHERE note_id = ?", (note_id,)
        ).fetchone()
        return bool(row["included"]) if row else None

    def undo(
        self, step: Step, note_id: int | None = None, only: Collection[bytes] | None = None
    ) -> None:
        """Ignore the findings of a step for one note, or for all notes, now and in future.

        For "secrets", allow what has been found so far, so that secrets found later are masked;
        with `only`, allow just the secrets with these digests (see `Reason`).
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
        """Take `undo` back. For "secrets", `only` limits it to these digests."""
        with transaction(self._db):
            if step == _SECRETS:
                AllowedSecrets(self._db).forget(note_id, only)
                return
            self._db.execute("DELETE FROM undone WHERE step = ? AND note_id IS ?", (step, note_id))
            update_included(self._db, None if note_id is None else [note_id])

    def undone_steps(self) -> set[Step]:
        """The steps whose findings are ignored for all notes."""
        rows = self._db.execute("SELECT step FROM undone WHERE note_id IS NULL")
        return {row["step"] for row in rows}

    def counts(self) -> dict[Step, int]:
        """For each step that leaves something out: the number of notes that it affects."""
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
        """The number of notes whose secrets are all allowed."""
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
