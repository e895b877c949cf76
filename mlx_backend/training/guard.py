"""When a run has learned what it can, and what is done when it goes astray."""

from __future__ import annotations

import msgspec

from mlx_backend.errors import ErrorKind, OvernightError

# Looks at the held-out loss without a gain, of about twenty in a run, until it stops.
PATIENCE = 6
# A loss counts as lower from this share on; below it is chance.
_GAIN = 0.002
_SKIPS_IN_A_ROW = 3
_ROLLBACKS = 3


class Best(msgspec.Struct, frozen=True, kw_only=True):
    """The lowest held-out loss so far (nats per token), its step, and the looks since then."""

    loss: float
    step: int
    looks_since: int = 0

    @property
    def is_new(self) -> bool:
        """Whether the latest look found it."""
        return self.looks_since == 0

    @property
    def is_over(self) -> bool:
        """Whether learning on has not helped for long enough."""
        return self.looks_since >= PATIENCE


def look(best: Best | None, step: int, loss: float) -> Best:
    """Take a look at the held-out loss into account."""
    if best is None or loss < best.loss * (1 - _GAIN):
        return Best(loss=loss, step=step)
    return msgspec.structs.replace(best, looks_since=best.looks_since + 1)


class Course(msgspec.Struct, frozen=True, kw_only=True):
    """How straight a run goes: batches skipped in a row and in all, roll-backs, the rate's factor.

    A batch is skipped when its loss or gradient is no number; nothing is learned from it.
    """

    in_a_row: int = 0
    skipped: int = 0
    rollbacks: int = 0
    rate: float = 1.0

    @property
    def is_astray(self) -> bool:
        """Whether so many batches in a row were of no use that it lies with the model."""
        return self.in_a_row >= _SKIPS_IN_A_ROW

    def after(self, learned: bool) -> Course:
        """The course after a step that was `learned` from or skipped."""
        if learned:
            return msgspec.structs.replace(self, in_a_row=0)
        return msgspec.structs.replace(self, in_a_row=self.in_a_row + 1, skipped=self.skipped + 1)

    def rolled_back(self) -> Course:
        """The course after going back, at half the rate.

        Raises OvernightError when that was tried often enough.
        """
        if self.rollbacks >= _ROLLBACKS:
            raise OvernightError(
                ErrorKind.NO_LEARNING,
                "The training goes astray: the loss is not a number, even at an eighth of the"
                " learning rate.",
                "Start a new run with a lower learning rate (Settings, Details) or another base"
                " model; what was saved last is kept.",
            )
        return msgspec.structs.replace(
            self, in_a_row=0, rollbacks=self.rollbacks + 1, rate=self.rate / 2
        )
