"""Which state of a training is kept at its end, and puts that on the model."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from mlx_backend import protocol
from mlx_backend.training.checkpoints import (
    Checkpoint,
    TrainingState,
    read_checkpoint,
    restore_adapter,
)
from mlx_backend.training.choosing import Answered, Choosing, best_of, with_answers
from mlx_backend.training.early_stopping import is_too_far
from mlx_backend.training.step import TrainingStep


@dataclass(frozen=True)
class Keeping:
    """`choosing` are the questions that choose, None where the held-out loss does."""

    training: TrainingStep
    checkpoints: Path
    choosing: Choosing | None
    report: Callable[[protocol.JobEvent], None]

    def asked(self, state: TrainingState, step: int, loss: float) -> TrainingState:
        """`state`, with how many questions the model on hand, that after `step` steps, answers.

        `loss` is the held-out loss of that. Raises StoppedEarly when the run is to stop.
        """
        if self.choosing is None:
            return state
        began = time.perf_counter()
        self.training.model.eval()  # without dropout, which would change the random state
        right = self.choosing.count_right()
        found = Answered(step=step, right=right, loss=loss, asked=self.choosing.asked)
        return msgspec.structs.replace(
            state,
            elapsed_s=state.elapsed_s + time.perf_counter() - began,
            answered=with_answers(state.answered, found),
        )

    def keep_best(self, state: TrainingState) -> TrainingState:
        """Put the best parameters on the model, which has those of `state`, the saved last one."""
        state = self._asked_at_the_end(self._comparable(state))
        best = best_of(state.answered) or state.best
        if best is None or best.step == state.step:
            return state
        checkpoint = self._restored(best.step)
        if checkpoint is None:
            text = "The best checkpoint could not be read; the last one is kept."
            self.report(protocol.Notice(text=text))
            return state
        return msgspec.structs.replace(
            state,
            kept_step=best.step,
            valid_loss=checkpoint.state.valid_loss,
            valid_by_note=checkpoint.state.valid_by_note,
            divergence=checkpoint.state.divergence,
        )

    def _comparable(self, state: TrainingState) -> TrainingState:
        """`state` without what was asked before questions were withdrawn."""
        asked = self.choosing.asked if self.choosing else None
        same = tuple(each for each in state.answered if each.asked == asked)
        return msgspec.structs.replace(state, answered=same)

    def _asked_at_the_end(self, state: TrainingState) -> TrainingState:
        """Ask the last state, and that of the lowest loss, unless they were asked already."""
        best, last = state.best, state.step
        if best is None or self.choosing is None:
            return state
        known = {each.step for each in state.answered}
        if last not in known and not is_too_far(state.divergence):
            state = self.asked(state, last, state.valid_loss or best.loss)
        if best.step not in {*known, last} and self._restored(best.step) is not None:
            state = self.asked(state, best.step, best.loss)
            self._restored(last)
        chosen = best_of(state.answered)
        if chosen is not None:
            of = f"{chosen.right} of {self.choosing.asked} questions that choose the best state"
            self.report(protocol.Notice(text=f"After step {chosen.step} it answers {of}."))
        return state

    def _restored(self, step: int) -> Checkpoint | None:
        """Put the parameters after `step` steps on the model; None if they cannot be read."""
        checkpoint = read_checkpoint(self.checkpoints, step)
        if checkpoint is not None:
            restore_adapter(self.training, checkpoint)
        return checkpoint
