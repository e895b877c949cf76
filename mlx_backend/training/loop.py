"""The training loop: steps, held-out loss, checkpoints, and stopping when asked."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import mlx.core as mx
import msgspec

from mlx_backend import protocol
from mlx_backend.errors import Kind, OvernightError
from mlx_backend.training.batches import Batch, PackedBatches
from mlx_backend.training.checkpoints import (
    TrainingState,
    latest_checkpoint,
    restore,
    save_checkpoint,
)
from mlx_backend.training.step import TrainingStep, learning_rate

_RECENT = 20
_EVALUATIONS = 20
_STEPS_PER_HELD_OUT_BATCH = 4

Report = Callable[[protocol.JobEvent], None]


@dataclass(frozen=True)
class LoopPlan:
    """How long to train, how fast to learn, and when to save."""

    steps: int
    learning_rate: float
    checkpoint_every: int
    checkpoints: Path
    deadline: float | None = None


def evaluation_interval(steps: int, held_out: int) -> int:
    """Every how many steps the held-out loss is looked at.

    About twenty times in a run, and so that it never takes more than about a tenth of the time:
    a held-out batch costs less than half a step.
    """
    return max(1, steps // _EVALUATIONS, held_out * _STEPS_PER_HELD_OUT_BATCH)


class TrainingLoop:
    """Trains a model on packed batches, reporting as it goes."""

    def __init__(
        self,
        training: TrainingStep,
        batches: PackedBatches,
        held_out: Sequence[Batch],
        plan: LoopPlan,
        report: Report,
    ) -> None:
        self._training = training
        self._batches = batches
        self._held_out = held_out
        self._plan = plan
        self._report = report
        self._state = TrainingState(step=0)
        self._recent: deque[float] = deque(maxlen=_RECENT)
        self._speeds: deque[tuple[int, float]] = deque(maxlen=_RECENT)

    @property
    def state(self) -> TrainingState:
        """Where the run stands."""
        return self._state

    def resume(self) -> int:
        """Go back to the latest whole checkpoint; returns its step, 0 when there is none."""
        checkpoint = latest_checkpoint(self._plan.checkpoints)
        if checkpoint is None:
            return 0
        restore(self._training, checkpoint)
        self._state = checkpoint.state
        self._recent.extend(checkpoint.state.recent_losses)
        return self._state.step

    def run(self, stop_requested: Callable[[], bool]) -> bool:
        """Train to the last step, or to the deadline; False when stopped before.

        Saves a checkpoint in any case, and takes one step even after the deadline.

        Raises OvernightError when the loss is no longer a number; the last checkpoint stands.
        """
        if self._state.step == 0:
            self._evaluate()
        every = evaluation_interval(self._plan.steps, len(self._held_out))
        saved = self._state.step or None  # at the very beginning there is none yet
        while self._state.step < self._plan.steps and not self._out_of_time():
            if stop_requested():
                if saved != self._state.step:  # never touch a whole one
                    self._save()
                return False
            self._one_step()
            step = self._state.step
            if step % every == 0 and step < self._plan.steps:
                self._evaluate()
            if step % self._plan.checkpoint_every == 0:
                self._save()
                saved = step
        self._evaluate()
        if saved != self._state.step:
            self._save()
        return True

    def _one_step(self) -> None:
        plan, before = self._plan, self._state
        began = time.perf_counter()
        batch = self._batches[before.step]
        rate = learning_rate(before.step, plan.steps, plan.learning_rate)
        loss = self._training(batch, rate)
        seconds = time.perf_counter() - began
        if not math.isfinite(loss):
            raise OvernightError(
                Kind.NO_LEARNING,
                f"The training went astray at step {before.step + 1}: the loss is not a number.",
                "Start a new run with a lower learning rate (Settings, Details).",
            )
        self._recent.append(loss)
        self._speeds.append((batch.tokens, seconds))
        self._state = msgspec.structs.replace(
            before,
            step=before.step + 1,
            elapsed_s=before.elapsed_s + seconds,
            steps_s=before.steps_s + seconds,
            tokens=before.tokens + batch.tokens,
            peak_bytes=max(before.peak_bytes, mx.get_peak_memory()),
            recent_losses=tuple(self._recent),
        )
        self._report(self._step_event(loss, rate))

    def _step_event(self, loss: float, rate: float) -> protocol.StepDone:
        tokens = sum(count for count, _ in self._speeds)
        seconds = sum(spent for _, spent in self._speeds)
        left = self._plan.steps - self._state.step
        return protocol.StepDone(
            step=self._state.step,
            steps=self._plan.steps,
            loss=loss,
            learning_rate=rate,
            tokens_per_second=tokens / seconds,
            peak_bytes=self._state.peak_bytes,
            elapsed_s=self._state.elapsed_s,
            remaining_s=left * seconds / len(self._speeds),
        )

    def _evaluate(self) -> None:
        if not self._held_out:
            return
        began = time.perf_counter()
        tokens = sum(batch.tokens for batch in self._held_out)
        total = sum(self._training.loss(batch) * batch.tokens for batch in self._held_out)
        loss = total / max(1, tokens)
        before = self._state
        self._state = msgspec.structs.replace(
            before,
            elapsed_s=before.elapsed_s + time.perf_counter() - began,
            base_valid_loss=loss if before.step == 0 else before.base_valid_loss,
            valid_loss=loss,
        )
        self._report(protocol.Evaluated(step=before.step, loss=loss))

    def _save(self) -> None:
        save_checkpoint(self._plan.checkpoints, self._training, self._state)
        self._report(protocol.CheckpointSaved(step=self._state.step))

    def _out_of_time(self) -> bool:
        deadline = self._plan.deadline
        return deadline is not None and self._state.step > 0 and time.time() >= deadline
