"""The ledger of coverage: the facts that each adapter was trained on, and whether it knows them.

Rows go to the bin with their note and come back with it. Those of an adapter in the bin stay, until
it is deleted for good (`learned_notes.forget_facts`): adapters keep their ids.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

from mlx_backend.library.database import transaction


@dataclass(frozen=True)
class LedgerFact:
    """A fact of a note: `name` is a hash, `wordings` how many questions for it were trained.

    both_ways: whether these ask for different parts of it. known: whether the adapter recalled it
    after the training; None where it was not asked.
    """

    name: str
    note: int
    wordings: int
    both_ways: bool
    known: bool | None


class Ledger:
    """Reads and writes the ledger over one database connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    def record(self, adapter: str, facts: Iterable[LedgerFact]) -> None:
        """Replace what the ledger says of the adapter with this id; facts of no note are skipped.

        A note may have been deleted since the training began.
        """
        rows = [
            (adapter, each.name, each.wordings, each.both_ways, each.known, each.note)
            for each in facts
        ]
        with transaction(self._db):
            self.forget(adapter)
            self._db.executemany(
                "INSERT OR REPLACE INTO facts (adapter, fact, wordings, both_ways, known, note_id)"
                " SELECT ?, ?, ?, ?, ?, id FROM notes WHERE id = ?",
                rows,
            )

    def of(self, adapter: str) -> list[LedgerFact]:
        """What the adapter with this id was trained on, sorted by name."""
        rows = self._db.execute("SELECT * FROM facts WHERE adapter = ? ORDER BY fact", (adapter,))
        return [
            LedgerFact(
                name=row["fact"],
                note=row["note_id"],
                wordings=row["wordings"],
                both_ways=bool(row["both_ways"]),
                known=None if row["known"] is None else bool(row["known"]),
            )
            for row in rows
        ]

    def forget(self, adapter: str) -> None:
        """Remove the adapter's rows, except those in the bin; the caller has a transaction."""
        self._db.execute("DELETE FROM facts WHERE adapter = ?", (adapter,))
