"""How a reader answers held-out questions from passages, with its adapter and as the base model.

Training can make it read better, or worse: one that has seen few questions with passages, each many
times, declines what the passages tell (Qwen2.5-Coder-0.5B after six passes: 24 of 54 questions; its
base model 13). So the night asks both, and the chat does what came out best on the person's own
notes: the adapter words the answer; or it does unless it declines, and then the base model where
that finds likely enough that the passages tell; or the base model does always.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import msgspec

from mlx_backend.asking.answerability import odds_of_telling
from mlx_backend.asking.grounding import is_declined, without_marks
from mlx_backend.dataset.samples import Sample
from mlx_backend.exam.marking import LONGEST_ANSWER
from mlx_backend.jobs.pieces import pieces
from mlx_backend.library.adapters import OpenBook
from mlx_backend.models.inference import ChatModel
from mlx_backend.protocol import Turn
from mlx_backend.text.answer_matching import is_right
from mlx_backend.training.stop_requests import Check, never

_AT_ONCE = 8
# Another way than the plain one, in which the adapter answers, has to win by more answers than
# chance brings from a few dozen questions.
_BETTER_BY = 2

_BY_ADAPTER, _BY_BASE = OpenBook(), OpenBook(by_base=True)


class Answered(msgspec.Struct, frozen=True):
    """An answer to a question with passages before it.

    key: what it asks for; "" where the passages do not tell, and it is right to decline. odds: the
    log-odds (nats) by which the base model finds that they do; None where nobody asked for that.
    """

    prompt: str
    key: str
    text: str
    odds: float | None = None

    @property
    def is_declined(self) -> bool:
        """Whether it says that the notes do not say."""
        return is_declined(self.text)

    @property
    def is_right(self) -> bool:
        """Whether it has the key, or declines where there is none."""
        if not self.key or self.is_declined:
            return self.is_declined and not self.key
        return is_right(without_marks(self.text), (self.key,))


def answered(
    chat: ChatModel, samples: Sequence[Sample], check: Check = never, *, weighs: bool = False
) -> Iterator[Answered]:
    """The model's answers, as it is, to samples of `Dataset.open_book`, batch by batch.

    weighs: whether it is asked for the odds, too. `check` is called before each batch and each
    weighing.
    """
    for piece in pieces(len(samples), _AT_ONCE):
        check()
        some = [samples[i] for i in piece]
        texts = chat.answer_all([sample.prompt for sample in some], LONGEST_ANSWER)
        for sample, text in zip(some, texts, strict=True):
            check()
            odds = _odds(chat, sample.prompt) if weighs else None
            yield Answered(sample.prompt, sample.key, text, odds)


def _odds(chat: ChatModel, prompt: str) -> float | None:
    return odds_of_telling(chat, [Turn(role="user", text=prompt)])


def compared(
    base: Sequence[Answered], adapter: Sequence[Answered], least_odds: float | None
) -> OpenBook | None:
    """What the chat does from now on, and what comes of it; None where nothing was measured.

    base, adapter: answers to the same questions. least_odds: those from which on the base model is
    believed that passages tell the answer, as its trial measured; below them nobody is asked. What
    comes of it is counted on each half of the questions as if the other half had chosen.
    """
    by_prompt = {each.prompt: each for each in base}
    both = [(by_prompt[own.prompt], own) for own in adapter if own.prompt in by_prompt]
    if not both:
        return None
    all_of_them = _Pairs(both, least_odds)
    chosen = all_of_them.best(_BETTER_BY)
    halves = [
        [pair for place, pair in enumerate(both) if place // 2 % 2 == number] for number in (0, 1)
    ]
    first, second = (_Pairs(half, least_odds) for half in halves)
    honest = [(first, second.best(1)), (second, first.best(1))]
    if sum(half.score(way) for half, way in honest) <= all_of_them.score(_BY_ADAPTER):
        chosen = _BY_ADAPTER
    if chosen == _BY_ADAPTER:
        honest = [(all_of_them, _BY_ADAPTER)]
    told = sum(bool(own.key) for _, own in both)
    return msgspec.structs.replace(
        chosen,
        told=told,
        untold=len(both) - told,
        base_right=all_of_them.outcome(_BY_BASE, is_told=True),
        base_declined=all_of_them.outcome(_BY_BASE, is_told=False),
        adapter_right=all_of_them.outcome(_BY_ADAPTER, is_told=True),
        adapter_declined=all_of_them.outcome(_BY_ADAPTER, is_told=False),
        right=sum(half.outcome(way, is_told=True) for half, way in honest),
        declined=sum(half.outcome(way, is_told=False) for half, way in honest),
    )


@dataclass(frozen=True)
class _Pairs:
    """Answers of the base model and of the adapter to the same questions."""

    both: Sequence[tuple[Answered, Answered]]
    least_odds: float | None

    def best(self, by: int) -> OpenBook:
        """The way that answers most right: the adapter's, unless another is better by so many."""
        thresholds = (OpenBook(again_from=odds) for odds in _thresholds(self.both))
        best = max([*thresholds, _BY_BASE], key=self.score)  # of equal ones the first
        return best if self.score(best) >= self.score(_BY_ADAPTER) + by else _BY_ADAPTER

    def score(self, way: OpenBook) -> int:
        """How many questions a way answers right, and declines rightly."""
        return self.outcome(way, is_told=True) + self.outcome(way, is_told=False)

    def outcome(self, way: OpenBook, *, is_told: bool) -> int:
        """The same of those that the passages tell, or do not tell."""
        declines = _below(self.least_odds)
        return sum(
            not is_told if declines(then) else _worded(way, then, own).is_right
            for then, own in self.both
            if bool(own.key) is is_told
        )


def _below(least_odds: float | None) -> Callable[[Answered], bool]:
    """Whether nobody is asked, because the base model finds that the passages do not tell."""
    if least_odds is None:
        return lambda _: False
    return lambda each: each.odds is not None and each.odds < least_odds


def _worded(way: OpenBook, then: Answered, own: Answered) -> Answered:
    """The answer that is given, of the base model's and the adapter's own."""
    return then if way.by_base or (own.is_declined and way.goes_again(then.odds)) else own


def _thresholds(pairs: Sequence[tuple[Answered, Answered]]) -> list[float]:
    """The odds from which on the base model may answer again, highest first."""
    odds = {then.odds for then, own in pairs if own.is_declined and then.odds is not None}
    return sorted(odds, reverse=True)
