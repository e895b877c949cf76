"""A conversation as questions with their answers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto

from mlx_backend.errors import OvernightError
from mlx_backend.library.conversations import StoredTurn
from mlx_backend.protocol import Citation, Turn
from mlx_backend.protocol.context_window import left_out_of

# In characters: more than any model reads. The worker leaves out what its model cannot read.
_MOST_TOLD = 2_000_000


class Phase(Enum):
    """How far an answer is."""

    WAITING = auto()
    SPEAKING = auto()
    DONE = auto()
    STOPPED = auto()
    FAILED = auto()

    @property
    def is_live(self) -> bool:
        """Whether more is to come."""
        return self in (Phase.WAITING, Phase.SPEAKING)


@dataclass(frozen=True)
class ShownAnswer:
    """What one answerer said; `adapter` None is the base model, which is called `base`.

    `is_cut`: it reached the longest answer allowed, and would have gone on. `citations` are the
    passages of the notes that it is from; `quote` is the text of a note that it consists of, ""
    where a model worded it. `is_from_notes`: no model worded it, because it is a quote, or says
    that there is nothing to quote. `left_out` is how many of the first questions the model did not
    see. `thoughts` is what the model thought aloud before: no part of the answer. Neither they nor
    `base` are stored: "" where the answer is from an earlier sitting.
    """

    adapter: str | None
    text: str = ""
    phase: Phase = Phase.DONE
    is_cut: bool = False
    error: OvernightError | None = None
    citations: tuple[Citation, ...] = ()
    quote: str = ""
    is_from_notes: bool = False
    left_out: int = 0
    thoughts: str = ""
    base: str = ""

    @property
    def shown(self) -> str:
        """What a person reads: a quote without the title of its note, which is shown beside it."""
        return self.quote or self.text

    @property
    def sources(self) -> tuple[Citation, ...]:
        """The first place in each of the notes that it is from."""
        firsts: dict[int, Citation] = {}
        for citation in self.citations:
            firsts.setdefault(citation.note, citation)
        return tuple(firsts.values())


@dataclass(frozen=True)
class Exchange:
    """A question and its answers, one for each answerer."""

    question: str
    answers: tuple[ShownAnswer, ...] = ()

    def answered(self, answer: ShownAnswer) -> Exchange:
        """With this answer, in place of an earlier one of the same answerer."""
        if any(old.adapter == answer.adapter for old in self.answers):
            kept = tuple(answer if o.adapter == answer.adapter else o for o in self.answers)
            return replace(self, answers=kept)
        return replace(self, answers=(*self.answers, answer))

    def answer_of(self, adapter: str | None) -> ShownAnswer | None:
        """What this answerer said, else what another did."""
        spoken = [answer for answer in self.answers if answer.text]
        return next((a for a in spoken if a.adapter == adapter), spoken[0] if spoken else None)


def exchanges_of(turns: Iterable[StoredTurn]) -> list[Exchange]:
    """Stored turns as exchanges. A later answer of the same answerer replaces its earlier one."""
    exchanges: list[Exchange] = []
    for turn in turns:
        if turn.role == "user":
            exchanges.append(Exchange(turn.text))
        elif exchanges:
            exchanges[-1] = exchanges[-1].answered(_answer_of(turn))
    return exchanges


def _answer_of(turn: StoredTurn) -> ShownAnswer:
    return ShownAnswer(
        turn.adapter,
        turn.text,
        citations=turn.citations,
        quote=turn.quote,
        is_from_notes=turn.from_notes,
        left_out=turn.left_out,
    )


def turns_for(exchanges: Sequence[Exchange], adapter: str | None) -> tuple[Turn, ...]:
    """What to tell an answerer so that it answers the last question.

    Each answerer hears its own earlier answers where there are some, so a comparison with the
    base model really is one. Questions that were never answered are left out.
    """
    turns, unsent = _all_turns(exchanges, adapter)
    return turns[2 * unsent :]


def unseen_questions(exchanges: Sequence[Exchange], adapter: str | None, left_out: int) -> int:
    """How many of the first questions an answerer did not see.

    `left_out` is how many of those that `turns_for` returned the worker left out.
    """
    heard = [i for i, exchange in enumerate(exchanges[:-1]) if exchange.answer_of(adapter)]
    count = left_out + _all_turns(exchanges, adapter)[1]
    if not count:
        return 0
    return heard[count] if count < len(heard) else len(exchanges) - 1


def _all_turns(exchanges: Sequence[Exchange], adapter: str | None) -> tuple[tuple[Turn, ...], int]:
    """All turns for an answerer, and how many of the first exchanges are too long to send."""
    *earlier, last = exchanges
    turns: list[Turn] = []
    for exchange in earlier:
        answer = exchange.answer_of(adapter)
        if answer is not None:
            turns.append(Turn(role="user", text=exchange.question))
            turns.append(Turn(role="assistant", text=answer.text))
    turns.append(Turn(role="user", text=last.question))
    return tuple(turns), left_out_of([len(turn.text) for turn in turns], _MOST_TOLD)
