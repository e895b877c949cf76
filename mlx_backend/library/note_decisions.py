"""The person's decisions about many notes at once, and taking them back."""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Iterable
from dataclasses import dataclass

from mlx_backend.library.database import transaction
from mlx_backend.library.inclusion import SHOULD_INCLUDE
from mlx_backend.library.note_browsing import NoteIds, as_json

_CHOSEN = "(SELECT value FROM json_each(:ids))"


@dataclass(frozen=True)
class NoteDecision:
    """Notes whose use a decision turned; what was decided of them before, if anything."""

    undecided: NoteIds[int]
    included: NoteIds[int]
    left_out: NoteIds[int]

    @property
    def notes(self) -> int:
        """How many notes it turned."""
        return len(self.undecided) + len(self.included) + len(self.left_out)


class NoteDecisions:
    """Includes and leaves out, over one database connection. A decision outlives imports."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    def decide(self, note_ids: Iterable[int], included: bool) -> NoteDecision:
        """Let training use these notes, or leave them out, whatever curation found.

        Notes that are used, or left out, already stay as they are; so do those without a file.
        """
        values = {"ids": as_json(note_ids), "included": int(included)}
        with transaction(self._db):
            before: dict[int | None, NoteIds[int]] = {n: array("q") for n in (None, 0, 1)}
            for row in self._db.execute(
                "SELECT notes.id, choices.included FROM notes LEFT JOIN choices"
                " ON choices.note_id = notes.id WHERE notes.included <> :included"
                f" AND NOT gone AND notes.id IN {_CHOSEN}",
                values,
            ):
                before[row["included"]].append(row["id"])
            decision = NoteDecision(before[None], before[1], before[0])
            turned = [*decision.undecided, *decision.included, *decision.left_out]
            self._choose(as_json(turned), included)
        return decision

    def take_back(self, decision: NoteDecision) -> None:
        """Let everything be as it was before a decision."""
        with transaction(self._db):
            self._choose(as_json(decision.included), True)
            self._choose(as_json(decision.left_out), False)
            values = {"ids": as_json(decision.undecided)}
            self._db.execute(f"DELETE FROM choices WHERE note_id IN {_CHOSEN}", values)
            self._db.execute(
                f"UPDATE notes SET included = {SHOULD_INCLUDE} WHERE id IN {_CHOSEN}", values
            )

    def _choose(self, note_ids: str, included: bool) -> None:
        values = {"ids": note_ids, "included": int(included)}
        self._db.execute(
            f"INSERT INTO choices (note_id, included) SELECT id, :included FROM notes"
            f" WHERE id IN {_CHOSEN}"
            " ON CONFLICT (note_id) DO UPDATE SET included = excluded.included",
            values,
        )
        self._db.execute(f"UPDATE notes SET included = :included WHERE id IN {_CHOSEN}", values)
