"""The person's decisions to use notes in training or leave them out, and undoing them."""

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
    """The notes that one decision switched, grouped by what the person had decided before."""

    undecided: NoteIds[int]
    included: NoteIds[int]
    left_out: NoteIds[int]

    @property
    def notes(self) -> int:
        """How many notes the decision switched."""
        return len(self.undecided) + len(self.included) + len(self.left_out)


class NoteDecisions:
    """Includes notes and leaves them out, over one database connection.

    A decision stays in force when the notes are imported again.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    def decide(self, note_ids: Iterable[int], included: bool) -> NoteDecision:
        """Let training use these notes, or leave them out, whatever curation found.

        Notes that are already used (or left out), and notes whose file is gone, do not change.
        Returns what is needed to undo the decision.
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
        """Undo a decision."""
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
