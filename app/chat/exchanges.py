"""A conversation as questions with their answers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, auto

from app.text.clean_text import clean
from mlx_backend.errors import OvernightError
from mlx_backend.library.judgements import Judgement
from mlx_backend.library.turns import Attachment, Ended, StoredTurn
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
    BROKEN = auto()
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
    that there is nothing to quote. `looked_up` are passages that were found and not used.
    `left_out` is how many of the first questions the model did not see. `thoughts` is what the
    model thought aloud before: no part of the answer. Neither they nor `base` are stored: "" where
    the answer is from an earlier sitting. `id` is that of its turn, 0 before it is stored; `seed`
    is what it was sampled with.
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
    id: int = 0
    seed: int | None = None
    looked_up: tuple[Citation, ...] = ()
    judgement: Judgement = field(default_factory=Judgement)

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

    @property
    def can_go_on(self) -> bool:
        """Whether the model that worded it can go on where it ended."""
        ended_early = self.is_cut or self.phase in (Phase.STOPPED, Phase.BROKEN)
        is_worded = bool(self.text.strip()) and not self.is_from_notes and not self.citations
        return ended_early and is_worded and self.id > 0


@dataclass(frozen=True)
class Exchange:
    """A question and its answers, one for each answerer.

    `id` is that of the question's turn, 0 before it is stored. `versions` are the ids of this
    question and those that were asked in its place.
    """

    question: str
    answers: tuple[ShownAnswer, ...] = ()
    id: int = 0
    attachments: tuple[Attachment, ...] = ()
    versions: tuple[int, ...] = ()

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

    @property
    def told(self) -> str:
        """What the model is told: what is attached, then the question."""
        framed = [f"{each.name}:\n\n{each.text}" for each in self.attachments]
        return "\n\n---\n\n".join([*framed, self.question])


def exchanges_of(turns: Iterable[StoredTurn]) -> list[Exchange]:
    """Stored turns as exchanges. A later answer of the same answerer replaces its earlier one."""
    exchanges: list[Exchange] = []
    for turn in turns:
        if turn.role == "user":
            exchanges.append(question_of(turn))
        elif exchanges:
            exchanges[-1] = exchanges[-1].answered(answer_of(turn))
    return exchanges


def question_of(turn: StoredTurn) -> Exchange:
    """A stored question, without answers."""
    return Exchange(turn.text, id=turn.id, attachments=turn.attachments)


_PHASES: dict[Ended, Phase] = {
    "cancelled": Phase.STOPPED,
    "live": Phase.BROKEN,
    "broken": Phase.BROKEN,
}


def answer_of(turn: StoredTurn) -> ShownAnswer:
    """A stored answer."""
    return ShownAnswer(
        turn.adapter,
        turn.text,
        _PHASES.get(turn.ended, Phase.DONE),
        is_cut=turn.ended == "length",
        citations=turn.citations,
        quote=turn.quote,
        is_from_notes=turn.from_notes,
        left_out=turn.left_out,
        id=turn.id,
        seed=turn.seed,
        looked_up=turn.looked_up,
    )


def turn_of(answer: ShownAnswer, question: int) -> StoredTurn:
    """An answer to the question of this id, as it is stored."""
    return StoredTurn(
        "assistant",
        clean(answer.text),
        answer.adapter,
        answer.citations,
        clean(answer.quote),
        answer.is_from_notes,
        answer.left_out,
        _ended(answer),
        answer.seed,
        looked_up=answer.looked_up,
        parent=question,
        id=answer.id,
    )


def _ended(answer: ShownAnswer) -> Ended:
    match answer.phase:
        case Phase.WAITING | Phase.SPEAKING:
            return "live"
        case Phase.STOPPED:
            return "cancelled"
        case Phase.BROKEN:
            return "broken"
    return "length" if answer.is_cut else "stop"


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
            turns.append(Turn(role="user", text=exchange.told))
            turns.append(Turn(role="assistant", text=answer.text))
    turns.append(Turn(role="user", text=last.told))
    return tuple(turns), left_out_of([len(turn.text) for turn in turns], _MOST_TOLD)
