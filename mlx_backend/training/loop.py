"""The training loop: steps, held-out loss, checkpoints, and when to stop."""

from __future__ import annotations

import statistics
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import mlx.core as mx
import msgspec
import numpy as np

from mlx_backend import protocol
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.protocol import TrainingEnd
from mlx_backend.training import guard
from mlx_backend.training.batches import Batch, PackedBatches
from mlx_backend.training.checkpoints import (
    TrainingState,
    latest_checkpoint,
    read_checkpoint,
    restore,
    restore_adapter,
    save_checkpoint,
)
from mlx_backend.training.step import PendingStep, TrainingStep, learning_rate

_RECENT = 20
_EVALUATIONS = 20
_STEPS_PER_HELD_OUT_BATCH = 4

Report = Callable[[protocol.JobEvent], None]


@dataclass(frozen=True)
class HeldOut:
    """What is never trained: its batches, and the note of each sample in them by its number."""

    batches: tuple[Batch, ...] = ()
    notes: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class LoopPlan:
    """How long to train (`deadline` in Unix time), how fast to learn, when to save, what to ask.

    `ask` is called at every checkpoint with nothing and says what the model answers then.
    """

    steps: int
    learning_rate: float
    checkpoint_every: int
    checkpoints: Path
    deadline: float | None = None
    prompt: str = ""
    ask: Callable[[str], str] | None = None


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
        held_out: HeldOut,
        plan: LoopPlan,
        report: Report,
    ) -> None:
        self._training = training
        self._batches = batches
        self._held_out = held_out
        self._plan = plan
        self._report = report
        self._state = TrainingState(step=0)
        self._speeds: deque[tuple[int, float]] = deque(maxlen=_RECENT)
        self._ready: tuple[int, tuple[Batch, ...]] | None = None
        self._saved: int | None = None
        self._looked: int | None = None
        self._look_s = 0.0

    @property
    def state(self) -> TrainingState:
        """Where the run stands."""
        return self._state

    def resume(self) -> int:
        """Go back to the latest whole checkpoint; returns its step, 0 when there is none.

        Says so where a newer one is damaged.
        """
        checkpoint, damaged = latest_checkpoint(self._plan.checkpoints)
        if damaged:
            self._report(
                protocol.Notice(
                    text=f"{len(damaged)} of the saved states could not be read"
                    f" ({', '.join(damaged)}); going on from the one before."
                )
            )
        if checkpoint is None:
            return 0
        restore(self._training, checkpoint)
        self._state = checkpoint.state
        self._saved = self._state.step
        return self._state.step

    def run(self, stop_requested: Callable[[], bool]) -> TrainingEnd:
        """Train to the last step, to the deadline, or until learning no longer helps.

        Saves a checkpoint in any case, and takes one step even after the deadline. At the end the
        model is as it was when its held-out loss was lowest.

        Raises OvernightError when the loss is no number again and again; a checkpoint stands.
        """
        if self._state.step == 0 and self._saved is None:
            self._evaluate()
            self._save()
        every = evaluation_interval(self._plan.steps, len(self._held_out.batches))
        end = self._end()
        while end is None:
            if stop_requested():
                self._save()
                return TrainingEnd.STOPPED
            self._one_step()
            step = self._state.step
            if step % every == 0 and step < self._plan.steps:
                self._evaluate()
            is_best = self._state.best is not None and self._state.best.step == step
            if step % self._plan.checkpoint_every == 0 or is_best:
                self._save()
                self._speak()
            end = self._end()
        self._finish()
        return end

    def _end(self) -> TrainingEnd | None:
        state, deadline = self._state, self._plan.deadline
        if state.step >= self._plan.steps:
            return TrainingEnd.ALL_STEPS
        if state.best is not None and state.best.is_over:
            return TrainingEnd.NO_GAIN
        if deadline is not None and state.step > 0 and time.time() >= deadline:
            return TrainingEnd.NO_TIME
        return None

    def _one_step(self) -> None:
        plan, before = self._plan, self._state
        began = time.perf_counter()
        batch = self._batch(before.step)
        rate = learning_rate(before.step, plan.steps, plan.learning_rate) * before.course.rate
        pending = self._begin(batch, rate)
        if before.step + 1 < plan.steps:
            self._batch(before.step + 1)  # made while the device works
        loss, learned = pending.result()
        seconds = time.perf_counter() - began
        tokens = sum(part.tokens for part in batch)
        self._speeds.append((tokens, seconds))
        recent = (*before.recent_losses, loss)[-_RECENT:] if learned else before.recent_losses
        self._state = msgspec.structs.replace(
            before,
            step=before.step + 1,
            elapsed_s=before.elapsed_s + seconds,
            steps_s=before.steps_s + seconds,
            tokens=before.tokens + tokens * learned,
            peak_bytes=max(before.peak_bytes, mx.get_peak_memory()),
            recent_losses=recent,
            course=before.course.after(learned),
        )
        if learned:
            self._report(self._step_event(loss, rate))
        else:
            self._report(protocol.StepSkipped(step=self._state.step))
        if self._state.course.is_astray:
            self._roll_back()

    def _begin(self, batch: tuple[Batch, ...], rate: float) -> PendingStep:
        try:
            return self._training.begin(batch, rate)
        except OvernightError as error:
            if error.kind is ErrorKind.HOST_LOST:  # what was learned here is whole
                self._save()
            raise

    def _batch(self, step: int) -> tuple[Batch, ...]:
        if self._ready is None or self._ready[0] != step:
            self._ready = (step, self._batches[step])
        return self._ready[1]

    def _roll_back(self) -> None:
        course = self._state.course.rolled_back()
        checkpoint, _ = latest_checkpoint(self._plan.checkpoints)
        if checkpoint is not None:
            restore(self._training, checkpoint)
            self._state = msgspec.structs.replace(
                checkpoint.state, elapsed_s=self._state.elapsed_s, course=course
            )
            self._saved = self._state.step
        self._report(protocol.RolledBack(step=self._state.step, rate=course.rate))

    def _step_event(self, loss: float, rate: float) -> protocol.StepDone:
        remaining, error = self._remaining()
        return protocol.StepDone(
            step=self._state.step,
            steps=self._plan.steps,
            loss=loss,
            learning_rate=rate,
            tokens_per_second=sum(n for n, _ in self._speeds) / sum(s for _, s in self._speeds),
            peak_bytes=self._state.peak_bytes,
            elapsed_s=self._state.elapsed_s,
            remaining_s=remaining,
            remaining_error_s=error,
        )

    def _remaining(self) -> tuple[float, float]:
        """Seconds to the last step or the deadline, and how far off that may be (two sigma)."""
        spent = [seconds for _, seconds in self._speeds]
        left = self._plan.steps - self._state.step
        every = evaluation_interval(self._plan.steps, len(self._held_out.batches))
        remaining = left * statistics.fmean(spent) + left / every * self._look_s
        error = 2 * left * statistics.pstdev(spent) / len(spent) ** 0.5
        if self._plan.deadline is not None:
            until = max(0.0, self._plan.deadline - time.time())
            if until < remaining:
                return until, 0.0
        return remaining, error

    def _evaluate(self) -> None:
        """Look at the held-out loss. The model as it was before the first step is not kept."""
        began = time.perf_counter()
        by_note = self._held_out_losses()
        if not by_note:
            return
        loss = sum(total for total, _ in by_note.values()) / sum(n for _, n in by_note.values())
        means = {note: total / count for note, (total, count) in by_note.items()}
        before = self._state
        self._looked, self._look_s = before.step, time.perf_counter() - began
        is_first = before.step == 0
        self._state = msgspec.structs.replace(
            before,
            elapsed_s=before.elapsed_s + self._look_s,
            base_valid_loss=loss if is_first else before.base_valid_loss,
            base_valid_by_note=means if is_first else before.base_valid_by_note,
            valid_loss=loss,
            valid_by_note=means,
            best=None if is_first else guard.look(before.best, before.step, loss),
        )
        best = self._state.best is not None and self._state.best.is_new
        self._report(protocol.Evaluated(step=before.step, loss=loss, best=best))

    def _held_out_losses(self) -> dict[int, tuple[float, int]]:
        """Of each note, the sum of its losses (nats) and its number of tokens.

        A sample whose loss is no number tells nothing of the others, and is left out.
        """
        found: dict[int, tuple[float, int]] = {}
        for batch in self._held_out.batches:
            losses = self._training.losses(batch)
            for sample in np.unique(batch.samples).tolist():
                own = losses[batch.samples == sample]
                if np.isfinite(own).all():
                    note = self._held_out.notes[sample]
                    total, count = found.get(note, (0.0, 0))
                    found[note] = (total + float(own.sum(dtype=np.float64)), count + len(own))
        return found

    def _save(self) -> None:
        if self._saved == self._state.step:  # never touch a whole one
            return
        save_checkpoint(self._plan.checkpoints, self._training, self._state)
        self._saved = self._state.step
        self._report(protocol.CheckpointSaved(step=self._state.step))

    def _speak(self) -> None:
        plan = self._plan
        if plan.ask is None or not plan.prompt:
            return
        began = time.perf_counter()
        self._training.model.eval()  # what dropout drew here, a resumed run would not draw again
        text = plan.ask(plan.prompt)
        self._report(protocol.Spoke(step=self._state.step, prompt=plan.prompt, text=text))
        elapsed = self._state.elapsed_s + time.perf_counter() - began
        self._state = msgspec.structs.replace(self._state, elapsed_s=elapsed)

    def _finish(self) -> None:
        """Look and save a last time, and go back to the best where that was earlier."""
        if self._looked != self._state.step:
            self._evaluate()
        self._save()
        best = self._state.best
        if best is None or best.step == self._state.step:
            return
        checkpoint = read_checkpoint(self._plan.checkpoints, best.step)
        if checkpoint is None:
            self._report(
                protocol.Notice(text="The best checkpoint could not be read; the last one is kept.")
            )
            return
        restore_adapter(self._training, checkpoint)
        self._state = msgspec.structs.replace(
            self._state,
            kept_step=best.step,
            valid_loss=best.loss,
            valid_by_note=checkpoint.state.valid_by_note,
        )
