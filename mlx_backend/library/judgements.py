"""What the person thinks of answers: good or bad, and what they would have said instead.

Kept with the answer's turn, and so with its conversation, its adapter and its seed.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass

from mlx_backend.library.branches import questions_of
from mlx_backend.library.conversations import Conversations


@dataclass(frozen=True)
class Judgement:
    """Of one answer. verdict: 1 good, -1 bad, 0 neither. wanted: what they would have said."""

    verdict: int = 0
    wanted: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether it says nothing."""
        return not self.verdict and not self.wanted


@dataclass(frozen=True)
class JudgedAnswer:
    """An answer with its judgement, for lists. `at` is when it was judged (Unix time)."""

    turn: int
    conversation: int
    question: str
    answer: str
    adapter: str | None
    seed: int | None
    judgement: Judgement
    at: float


class Judgements:
    """The judgements of a library, over one database connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    def of(self, turns: Sequence[int]) -> dict[int, Judgement]:
        """Those of these answers, by the ids of their turns."""
        rows = self._db.execute(
            "SELECT turn_id, verdict, wanted FROM judgements WHERE turn_id IN"
            f" ({', '.join(map(str, map(int, turns)))})"
        )
        return {row["turn_id"]: Judgement(row["verdict"], row["wanted"]) for row in rows}

    def judge(self, turn: int, judgement: Judgement) -> None:
        """Judge an answer; an empty judgement takes the earlier one back.

        An answer that is gone is left alone.
        """
        if judgement.is_empty:
            self._db.execute("DELETE FROM judgements WHERE turn_id = ?", (turn,))
            return
        self._db.execute(
            "INSERT INTO judgements (turn_id, verdict, wanted, at)"
            " SELECT id, ?, ?, ? FROM turns WHERE id = ? ON CONFLICT (turn_id) DO UPDATE SET"
            " verdict = excluded.verdict, wanted = excluded.wanted, at = excluded.at",
            (judgement.verdict, judgement.wanted, time.time(), turn),
        )

    def all(self) -> list[JudgedAnswer]:
        """All, the latest first."""
        rows = self._db.execute(
            "SELECT turn_id, conversation_id, text, adapter, seed, verdict, wanted, judgements.at"
            " FROM judgements JOIN turns ON turns.id = turn_id ORDER BY judgements.at DESC"
        ).fetchall()
        asked = self._questions({row["conversation_id"] for row in rows})
        return [
            JudgedAnswer(
                row["turn_id"],
                row["conversation_id"],
                asked.get(row["turn_id"], ""),
                row["text"],
                row["adapter"],
                row["seed"],
                Judgement(row["verdict"], row["wanted"]),
                row["at"],
            )
            for row in rows
        ]

    def _questions(self, conversations: set[int]) -> dict[int, str]:
        """The questions of all answers in these conversations, by the ids of the answers."""
        asked: dict[int, str] = {}
        for conversation in conversations:
            turns = Conversations(self._db).turns(conversation)
            texts = {turn.id: turn.text for turn in turns}
            asked |= {answer: texts[of] for answer, of in questions_of(turns).items()}
        return asked
