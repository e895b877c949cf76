"""Early stopping: for no gain, for going too far from the base model; and rolling back."""

from __future__ import annotations

import msgspec

from mlx_backend.errors import ErrorKind, OvernightError

# Evaluations without a lower held-out loss after which a run stops; there are about 20 in a run.
PATIENCE = 6
# The relative decrease from which a loss counts as lower; anything less may be chance.
_GAIN = 0.002
FARTHEST = 0.7
"""The KL divergence (nats per token) to the base model on general prompts from which on a model has
gone too far.

At 0.3 others saw models keep what they could, at 1.6 they had collapsed (arXiv 2606.27634): this is
the middle on a logarithmic scale. Ours is the divergence over the 64 likeliest tokens with all
others as one, which is never more than over all tokens, and so errs on the side of going on.
"""

_SKIPS_IN_A_ROW = 3
_ROLLBACKS = 3


class Best(msgspec.Struct, frozen=True, kw_only=True):
    """The lowest held-out loss so far (nats per token), its step, and the evaluations since."""

    loss: float
    step: int
    evaluations_since: int = msgspec.field(default=0, name="looks_since")

    @property
    def is_new(self) -> bool:
        """Whether the latest evaluation found it."""
        return self.evaluations_since == 0

    @property
    def is_over(self) -> bool:
        """Whether the held-out loss has not fallen for PATIENCE evaluations."""
        return self.evaluations_since >= PATIENCE


def is_too_far(divergence: float | None) -> bool:
    """Whether a model has gone too far from its base model; not where that was not measured."""
    return divergence is not None and divergence > FARTHEST


def check_start(divergence: float | None) -> None:
    """Raise OvernightError where an adapter, before its first step, has gone too far already."""
    if is_too_far(divergence):
        raise OvernightError(
            ErrorKind.NO_LEARNING,
            "The adapter to go on with answers general questions so differently from its base model"
            " that it would forget what that knew if it learned more.",
            "Start afresh from the base model, or go on with an earlier adapter.",
        )


def after_evaluation(best: Best | None, step: int, loss: float) -> Best:
    """The best loss after an evaluation at `step` found `loss` (nats per token)."""
    if best is None or loss < best.loss * (1 - _GAIN):
        return Best(loss=loss, step=step)
    return msgspec.structs.replace(best, evaluations_since=best.evaluations_since + 1)


class Course(msgspec.Struct, frozen=True, kw_only=True):
    """Batches skipped in a row and in all, roll-backs, and the factor of the learning rate.

    A batch is skipped when its loss or gradient is not finite; then parameters and optimizer state
    stay as they are.
    """

    in_a_row: int = 0
    skipped: int = 0
    rollbacks: int = 0
    rate: float = 1.0

    @property
    def is_astray(self) -> bool:
        """Whether so many batches in a row were skipped that the model itself has diverged."""
        return self.in_a_row >= _SKIPS_IN_A_ROW

    def after(self, learned: bool) -> Course:
        """The course after a step that was `learned` from, or skipped."""
        if learned:
            return msgspec.structs.replace(self, in_a_row=0)
        return msgspec.structs.replace(self, in_a_row=self.in_a_row + 1, skipped=self.skipped + 1)

    def rolled_back(self) -> Course:
        """The course after a roll-back to a checkpoint, at half the learning rate.

        Raises OvernightError when there have been too many roll-backs.
        """
        if self.rollbacks >= _ROLLBACKS:
            raise OvernightError(
                ErrorKind.NO_LEARNING,
                "The training diverges: the loss is not a number, even at an eighth of the"
                " learning rate.",
                "Start a new run with a lower learning rate (Settings, Details) or another base"
                " model; what was saved last is kept.",
            )
        return msgspec.structs.replace(
            self, in_a_row=0, rollbacks=self.rollbacks + 1, rate=self.rate / 2
        )
