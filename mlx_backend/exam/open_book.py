"""How a reader answers held-out questions from passages, with its adapter and as the base model.

Training can make it read better, or worse: one that has seen few questions with passages, each many
times, declines what the passages tell (Qwen2.5-Coder-0.5B after six passes: 24 of 54 questions; its
base model 13). So the night asks both, and the chat does what came out best on the person's own
notes: the adapter words the answer; or it does unless it declines, and then the base model where
that finds likely enough that the passages tell; or the base model does always.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

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

_AT_ONCE = 16
# Another way than the plain one, in which the adapter answers, has to win by more answers than
# chance brings from a few dozen questions.
_BETTER_BY = 2


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

    weighs: whether it is asked for the odds, too. `check` is called before each batch.
    """
    for piece in pieces(len(samples), _AT_ONCE):
        check()
        some = [samples[i] for i in piece]
        texts = chat.answer_all([sample.prompt for sample in some], LONGEST_ANSWER)
        for sample, text in zip(some, texts, strict=True):
            odds = _odds(chat, sample.prompt) if weighs else None
            yield Answered(sample.prompt, sample.key, text, odds)


def _odds(chat: ChatModel, prompt: str) -> float | None:
    return odds_of_telling(chat, [Turn(role="user", text=prompt)])


def compared(
    base: Sequence[Answered], adapter: Sequence[Answered], least_odds: float | None
) -> OpenBook | None:
    """What the chat does from now on, and what comes of it; None where nothing was measured.

    base, adapter: answers to the same questions. least_odds: those from which on the base model is
    believed that passages tell the answer, as its trial measured; below them nobody is asked.
    """
    by_prompt = {each.prompt: each for each in base}
    pairs = [(by_prompt[own.prompt], own) for own in adapter if own.prompt in by_prompt]
    if not pairs:
        return None
    declines = _below(least_odds)

    def outcome(way: OpenBook, *, is_told: bool) -> int:
        return sum(
            not is_told if declines(then) else _worded(way, then, own).is_right
            for then, own in pairs
            if bool(own.key) is is_told
        )

    def score(way: OpenBook) -> int:
        return outcome(way, is_told=True) + outcome(way, is_told=False)

    by_adapter, by_base = OpenBook(), OpenBook(by_base=True)
    others = [*(OpenBook(again_from=odds) for odds in _thresholds(pairs)), by_base]
    best = max(others, key=score)  # of equal ones the first
    chosen = best if score(best) >= score(by_adapter) + _BETTER_BY else by_adapter
    told = sum(bool(own.key) for _, own in pairs)
    return msgspec.structs.replace(
        chosen,
        told=told,
        untold=len(pairs) - told,
        base_right=outcome(by_base, is_told=True),
        base_declined=outcome(by_base, is_told=False),
        adapter_right=outcome(by_adapter, is_told=True),
        adapter_declined=outcome(by_adapter, is_told=False),
        right=outcome(chosen, is_told=True),
        declined=outcome(chosen, is_told=False),
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
