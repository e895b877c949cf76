"""What a run's curves say at one place, in a few lines of text."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

from app import words
from app.curve import Curve
from app.job_snapshot import Night

_MOST_MARKS = 3


@dataclass(frozen=True)
class Reading:
    """The step that was meant, and what there is to say about it."""

    step: float
    text: str


def read_at(night: Night, step: float, reach: float) -> Reading | None:
    """What stands at `step`, or within `reach` steps of it; None where there is nothing."""
    lines: list[str] = []
    meant = nearest(night.training, step)
    if meant is not None:
        curve = night.training
        lines.append(
            f"Step {words.number(curve.steps[meant])} · {words.time_of_day(curve.times[meant])}"
        )
        lines.append(f"On what it learns: {words.number(curve.losses[meant], 2)}")
    held_out = nearest(night.held_out, step)
    if held_out is not None and abs(night.held_out.steps[held_out] - step) <= reach:
        lines.append(_held_out_line(night, held_out))
    lines += _mark_lines(night, step, reach)
    if not lines:
        return None
    return Reading(step if meant is None else night.training.steps[meant], "\n".join(lines))


def nearest(curve: Curve, step: float) -> int | None:
    """The index of the point that is nearest to a step; None for an empty curve."""
    if not len(curve):
        return None
    right = min(bisect_left(curve.steps, step), len(curve) - 1)
    left = max(0, right - 1)
    return min(left, right, key=lambda index: abs(curve.steps[index] - step))


def in_words(night: Night) -> str:
    """The curves for those who do not see them."""
    training, held_out, best = night.training, night.held_out, night.best
    if not len(training):
        return "Curves of the error: nothing learned yet"
    last, at = words.number(training.losses[-1], 2), words.number(training.steps[-1])
    said = f"Curves of the error: {last} on what it learns, at step {at}"
    if len(held_out):
        said += f", {words.number(held_out.losses[-1], 2)} on questions set aside"
    if best is not None:
        said += f", lowest {words.number(best.loss, 2)} at step {words.number(best.step)}"
    return said


def _held_out_line(night: Night, index: int) -> str:
    step, loss = night.held_out.steps[index], night.held_out.losses[index]
    line = f"On questions set aside: {words.number(loss, 2)} at step {words.number(step)}"
    is_best = night.best is not None and night.best.step == step
    return f"{line}, the best so far" if is_best else line


def _mark_lines(night: Night, step: float, reach: float) -> list[str]:
    near = [mark for mark in night.marks if abs(mark.step - step) <= reach]
    near.sort(key=lambda mark: (abs(mark.step - step), mark.at))
    lines = [f"{words.time_of_day(mark.at)} {mark.text}" for mark in near[:_MOST_MARKS]]
    if len(near) > _MOST_MARKS:
        lines.append(f"And {len(near) - _MOST_MARKS} more here.")
    return lines
