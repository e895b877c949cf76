"""All branches of the open conversation, and which of them is on show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from app.chat.exchanges import Exchange, ShownAnswer, answer_of, question_of
from mlx_backend.library.branches import (
    branch_to,
    parents_of,
    questions_of,
    tip_of,
    versions_of,
)
from mlx_backend.library.judgements import Judgement
from mlx_backend.library.turns import StoredTurn


class ExchangeTree:
    """Exchanges by the ids of their questions, and what each follows."""

    def __init__(self) -> None:
        self._exchanges: dict[int, Exchange] = {}
        self._parents: dict[int, int] = {}
        self._tip = 0

    @classmethod
    def of(
        cls,
        turns: Sequence[StoredTurn],
        shown: int | None,
        judgements: Mapping[int, Judgement] = {},
    ) -> ExchangeTree:
        """The tree of a stored conversation; `shown` is the last question on show."""
        tree = cls()
        tree._parents = parents_of(turns)
        tree._exchanges = {turn.id: question_of(turn) for turn in turns if turn.role == "user"}
        by_id = {turn.id: turn for turn in turns}
        for answer, question in questions_of(turns).items():
            judged = judgements.get(answer, Judgement())
            said = replace(answer_of(by_id[answer]), judgement=judged, id=max(0, answer))
            tree._exchanges[question] = tree._exchanges[question].answered(said)
        tree._tip = next(reversed(branch_to(tree._parents, shown)), 0)
        return tree

    @property
    def tip(self) -> int:
        """The last question on show; 0 where there is none."""
        return self._tip

    def branch(self) -> list[Exchange]:
        """The exchanges on show, each with its versions."""
        versions = versions_of(self._parents)
        shown = branch_to(self._parents, self._tip) if self._tip else []
        return [replace(self._exchanges[at], versions=versions[self._parents[at]]) for at in shown]

    def has(self, question: int) -> bool:
        """Whether this question is in the conversation."""
        return question in self._exchanges

    def add(self, exchange: Exchange, parent: int) -> None:
        """Add a question that follows `parent`, and show its branch."""
        self._exchanges[exchange.id] = exchange
        self._parents[exchange.id] = parent
        self._tip = exchange.id

    def answer(self, question: int, answer: ShownAnswer) -> None:
        """A question has this answer now."""
        self._exchanges[question] = self._exchanges[question].answered(answer)

    def turn_to(self, question: int) -> None:
        """Show the branch of this version of a question."""
        self._tip = tip_of(self._parents, question)
