"""The training loop: steps, when to evaluate, checkpoints, and when to stop."""

from __future__ import annotations

import statistics
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import mlx.core as mx
import msgspec

from mlx_backend import protocol
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.protocol import TrainingEnd
from mlx_backend.training import early_stopping
from mlx_backend.training.batch_arrays import Batch
from mlx_backend.training.batches import PackedBatches
from mlx_backend.training.checkpoints import (
    TrainingState,
    latest_checkpoint,
    restore,
    save_checkpoint,
)
from mlx_backend.training.choosing import Choosing, best_of
from mlx_backend.training.evaluating import (
    HeldOut,
    evaluation_interval,
    losses_by_note,
    mean_divergence,
)
from mlx_backend.training.keeping import Keeping
from mlx_backend.training.looks import Look, is_due
from mlx_backend.training.recall import Recall
from mlx_backend.training.step import PendingStep, TrainingStep, learning_rate
from mlx_backend.training.stop_requests import StoppedEarly

_RECENT = 20

Report = Callable[[protocol.JobEvent], None]


@dataclass(frozen=True)
class LoopPlan:
    """The options of a training loop.

    steps: their number; learning_rate: its peak; checkpoint_every: in steps; checkpoints: their
    folder; deadline: in Unix time, None without one. At each checkpoint `ask` answers `prompt` with
    the model as it is then, if both are given. choosing: the questions by which the best state is
    chosen; None where the held-out loss chooses.
    """

    steps: int
    learning_rate: float
    checkpoint_every: int
    checkpoints: Path
    deadline: float | None = None
    prompt: str = ""
    ask: Callable[[str], str] | None = None
    choosing: Choosing | None = None


class TrainingLoop:
    """Trains a model on packed batches; `report` gets an event for each thing that happens."""

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
        self._recall = Recall(batches, plan.steps)
        self._first_pass = batches.steps(1)
        self._coverage = Look()
        self._state = TrainingState(step=0, looks=batches.looks)
        self._speeds: deque[tuple[int, float]] = deque(maxlen=_RECENT)
        self._ready: tuple[int, tuple[Batch, ...]] | None = None
        self._saved: int | None = None
        self._evaluated_at: int | None = None
        self._evaluation_s = 0.0
        self._keeping = Keeping(training, plan.checkpoints, plan.choosing, report)

    @property
    def state(self) -> TrainingState:
        """The state after the latest step."""
        return self._state

    @property
    def coverage(self) -> Look:
        """Which facts the model knew at the end of the training; no fact before that."""
        return self._coverage

    def resume(self) -> int:
        """Restore the latest undamaged checkpoint; returns its step, 0 if there is none.

        Reports a notice when newer ones are damaged.
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
        self._follow_looks()
        self._saved = self._state.step
        return self._state.step

    def run(self, stop_requested: Callable[[], bool]) -> TrainingEnd:
        """Train until the last step, the deadline, no gain, or too far from the base model.

        Returns which of these it was.

        Always saves a checkpoint, and takes one step even after the deadline. At the end the model
        has the best parameters: those with the most right answers, or the lowest held-out loss.

        Raises OvernightError when the adapter to go on with has gone too far before, or when the
        loss stays not finite after several roll-backs; the last checkpoint stays.
        """
        if self._state.step == 0 and self._saved is None:
            self._evaluate()
            early_stopping.check_start(self._state.divergence)
            self._save()
        end = self._why_to_end()
        try:
            while end is None:
                if stop_requested():
                    raise StoppedEarly
                self._advance()
                end = self._why_to_end()
            self._finish()
        except StoppedEarly:
            self._save()
            return TrainingEnd.STOPPED
        return end

    def _advance(self) -> None:
        """Take a step, and evaluate, save and ask when it is time to."""
        if self._state.evaluation_is_due:
            self._state = msgspec.structs.replace(self._state, evaluation_is_due=False)
            self._saved = None
        else:
            self._look_if_due()
            self._take_step()
        step = self._state.step
        if step % self._every == 0 and step < self._plan.steps:
            self._evaluate_and_ask()
        best = (self._state.best, best_of(self._state.answered))
        is_best = any(each is not None and each.step == step for each in best)
        if step % self._plan.checkpoint_every == 0 or is_best:
            self._save()
            self._ask()

    @property
    def _every(self) -> int:
        """After how many steps the held-out loss is evaluated."""
        return evaluation_interval(self._plan.steps, self._held_out.size)

    def _evaluate_and_ask(self) -> None:
        """Evaluate and, when it is time to, ask questions: both, or neither when stopped early."""
        before, choosing = self._state, self._plan.choosing
        try:
            self._evaluate()
            may_be_kept = not early_stopping.is_too_far(self._state.divergence)
            asked_at = choosing.steps_of(self._plan.steps, self._every) if choosing else set()
            if may_be_kept and before.step in asked_at:
                self._state = self._keeping.asked(
                    self._state, before.step, self._state.valid_loss or 0.0
                )
        except StoppedEarly:
            self._state = msgspec.structs.replace(before, evaluation_is_due=True)
            raise

    def _why_to_end(self) -> TrainingEnd | None:
        state, deadline = self._state, self._plan.deadline
        if early_stopping.is_too_far(state.divergence):
            return TrainingEnd.TOO_FAR
        if state.step >= self._plan.steps:
            return TrainingEnd.ALL_STEPS
        if state.best is not None and state.best.is_over:
            return TrainingEnd.NO_GAIN
        if (
            deadline is not None
            and state.step > 0
            and time.time() >= deadline - self._last_look_s()
        ):
            return TrainingEnd.NO_TIME
        return None

    def _last_look_s(self) -> float:
        """About how many seconds it takes to find out, after the training, what is known."""
        spent = [seconds for _, seconds in self._speeds]
        return self._recall.steps_of_the_last * statistics.fmean(spent) if spent else 0.0

    def _look_if_due(self) -> None:
        """Once a quarter, from the end of the first pass on, find out what the model knows."""
        state = self._state
        if state.step < self._first_pass or not self._recall.facts:
            return
        if not is_due(state.looks, state.step, self._plan.steps):
            return
        began = time.perf_counter()
        begun = self._batches.passes_begun(state.step)
        found = self._recall.look(self._training, state.step, begun)
        before = state.looks[-1] if state.looks else Look()
        self._state = msgspec.structs.replace(
            state,
            looks=(*state.looks, before.following(found)),
            elapsed_s=state.elapsed_s + time.perf_counter() - began,
        )
        self._follow_looks()

    def _follow_looks(self) -> None:
        """Go on with the batches that follow from what was found so far."""
        self._batches = self._batches.after(self._state.looks)
        self._ready = None

    def _take_step(self) -> None:
        plan, before = self._plan, self._state
        began = time.perf_counter()
        batch = self._batch(before.step)
        rate = learning_rate(before.step, plan.steps, plan.learning_rate) * before.course.rate
        pending = self._begin(batch, rate)
        if before.step + 1 < plan.steps:
            self._batch(before.step + 1)  # prepared while the device computes
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
            if error.kind is ErrorKind.HOST_LOST:  # the state here is that after the last step
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
            self._follow_looks()
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
        """Seconds to the last step or the deadline, and the error of that (two sigma)."""
        spent = [seconds for _, seconds in self._speeds]
        left = self._plan.steps - self._state.step
        remaining = left * statistics.fmean(spent) + left / self._every * self._evaluation_s
        error = 2 * left * statistics.pstdev(spent) / len(spent) ** 0.5
        if self._plan.deadline is not None:
            until = max(0.0, self._plan.deadline - time.time())
            if until < remaining:
                return until, 0.0
        return remaining, error

    def _evaluate(self) -> None:
        """Compute the held-out loss, and how far the model has gone from the base model.

        Neither the untrained model counts as the best, nor one that has gone too far.
        """
        began = time.perf_counter()
        by_note = losses_by_note(self._training, self._held_out)
        divergence = mean_divergence(self._training, self._held_out.general)
        spent = time.perf_counter() - began
        before = self._state
        self._state = msgspec.structs.replace(
            before, elapsed_s=before.elapsed_s + spent, divergence=divergence
        )
        if divergence is not None or by_note:
            self._evaluated_at, self._evaluation_s = before.step, spent
        if by_note:
            self._judge(by_note)

    def _judge(self, by_note: Mapping[int, tuple[float, int]]) -> None:
        """Take the held-out losses that `losses_by_note` found into the state, and report."""
        before = self._state
        loss = sum(total for total, _ in by_note.values()) / sum(n for _, n in by_note.values())
        means = {note: total / count for note, (total, count) in by_note.items()}
        is_first = before.step == 0
        best = None if is_first else early_stopping.after_evaluation(before.best, before.step, loss)
        if early_stopping.is_too_far(before.divergence):
            best = before.best
        self._state = msgspec.structs.replace(
            before,
            base_valid_loss=loss if is_first else before.base_valid_loss,
            base_valid_by_note=means if is_first else before.base_valid_by_note,
            valid_loss=loss,
            valid_by_note=means,
            best=best,
        )
        is_best = best is not None and best.step == before.step
        self._report(protocol.Evaluated(step=before.step, loss=loss, best=is_best))

    def _save(self) -> None:
        if self._saved == self._state.step:  # never replace an undamaged one
            return
        save_checkpoint(self._plan.checkpoints, self._training, self._state)
        self._saved = self._state.step
        self._report(protocol.CheckpointSaved(step=self._state.step))

    def _ask(self) -> None:
        plan = self._plan
        if plan.ask is None or not plan.prompt:
            return
        began = time.perf_counter()
        # Without dropout, which would change the random state: a resumed run does not ask again.
        self._training.model.eval()
        text = plan.ask(plan.prompt)
        self._report(protocol.Spoke(step=self._state.step, prompt=plan.prompt, text=text))
        elapsed = self._state.elapsed_s + time.perf_counter() - began
        self._state = msgspec.structs.replace(self._state, elapsed_s=elapsed)

    def _finish(self) -> None:
        """Evaluate and save a last time; restore the best parameters if they are earlier ones.

        Then find out which facts the model knows with the parameters that are kept.
        """
        if self._evaluated_at != self._state.step:
            self._evaluate()
        self._save()
        self._state = self._keeping.keep_best(self._state)
        step = self._state.step
        self._coverage = self._recall.last_look(
            self._training, step, self._batches.passes_begun(step)
        )
