"""Choosing which state of a training is kept: the one that answers most held-out questions right.

The loss on held-out answers falls long before an answer is right, and rises again while more of
them are: it counts how likely each word is, not whether the right words come first. So the loss
only decides between states that answer as many.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

_LOOKS = (0.5, 0.75)  # shares of the planned steps


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """How many questions the state after `step` steps answers right, and its held-out loss."""

    step: int
    right: int
    loss: float


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
        looks = {-(-int(share * steps) // every) * every for share in _LOOKS}
        return {step for step in looks if 0 < step < steps}


def with_look(
    answered: tuple[Answered, ...], step: int, right: int, loss: float
) -> tuple[Answered, ...]:
    """What is known of the states with one more, or again of the same step."""
    others = tuple(each for each in answered if each.step != step)
    return (*others, Answered(step=step, right=right, loss=loss))


def best_of(answered: tuple[Answered, ...]) -> Answered | None:
    """The state with the most right answers; of several, the one with the lowest loss."""
    return max(answered, key=lambda each: (each.right, -each.loss, -each.step), default=None)
