"""Choosing which state of a training is kept: the one that answers most held-out questions right.

The loss on held-out answers falls long before an answer is right, and rises again while more of
them are: it counts how likely each word is, not whether the right words come first. So the loss
only decides between states that answer as many.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

_ASKED_AT = (0.5, 0.75)  # shares of the planned steps


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """How many questions the state after `step` steps answers right, and its held-out loss.

    asked: of how many.
    """

    step: int
    right: int
    loss: float
    asked: int = 0


@dataclass(frozen=True)
class Choosing:
    """How many questions are asked, and `count_right`: how many the model answers right now.

    It must come to the same number whenever the same parameters are asked, and raises StoppedEarly
    when the run is to stop.
    """

    asked: int
    count_right: Callable[[], int]

    def steps_of(self, steps: int, every: int) -> set[int]:
        """After which of `steps` steps the questions are asked, before the last.

        These are evaluations, which take place after `every` so many steps.
        """
        evaluated = {-(-int(share * steps) // every) * every for share in _ASKED_AT}
        return {step for step in evaluated if 0 < step < steps}


def with_answers(answered: tuple[Answered, ...], found: Answered) -> tuple[Answered, ...]:
    """What is known of the states with one more, or again of the same step.

    Those that were asked another number of questions, before some were withdrawn, are no match.
    """
    others = (each for each in answered if each.step != found.step and each.asked == found.asked)
    return (*others, found)


def best_of(answered: tuple[Answered, ...]) -> Answered | None:
    """The state with the most right answers; of several, the one with the lowest loss."""
    return max(answered, key=lambda each: (each.right, -each.loss, -each.step), default=None)
