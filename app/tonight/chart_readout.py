"""What a run's curves say at one place, in a few lines of text."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

from app.jobs.curve import Curve
from app.jobs.snapshot import Night
from app.text import amounts

_MOST_MARKS = 3


@dataclass(frozen=True)
class ChartReading:
    """The step that was meant, and what there is to say about it."""

    step: float
    text: str


def length_of(night: Night, steps: int) -> float:
    """How many steps a run has: `steps`, 0 where that is not known, or as many as were taken."""
    taken = [*night.training.steps[-1:], *night.held_out.steps[-1:]]
    return max([steps, 1, *taken])


def read_at(night: Night, step: float, reach: float, steps: int) -> ChartReading | None:
    """The values at `step` of `steps`, or within `reach` steps; None without any."""
    lines: list[str] = []
    meant = nearest(night.training, step)
    if meant is not None:
        curve = night.training
        done = amounts.percent(curve.steps[meant], length_of(night, steps))
        lines.append(f"{done} of the learning · {amounts.time_of_day(curve.times[meant])}")
        lines.append(f"Error on what it learns: {amounts.number(curve.losses[meant], 2)}")
    held_out = nearest(night.held_out, step)
    if held_out is not None and abs(night.held_out.steps[held_out] - step) <= reach:
        lines.append(_held_out_line(night, held_out, steps))
    lines += _mark_lines(night, step, reach)
    if not lines:
        return None
    return ChartReading(step if meant is None else night.training.steps[meant], "\n".join(lines))


def nearest(curve: Curve, step: float) -> int | None:
    """The index of the point that is nearest to a step; None for an empty curve."""
    if not len(curve):
        return None
    right = min(bisect_left(curve.steps, step), len(curve) - 1)
    left = max(0, right - 1)
    return min(left, right, key=lambda index: abs(curve.steps[index] - step))


def in_words(night: Night, steps: int) -> str:
    """The curves for those who do not see them."""
    training, held_out, best = night.training, night.held_out, night.best
    if not len(training):
        return "Curves of the error: nothing learned yet"
    length = length_of(night, steps)
    last, done = amounts.number(training.losses[-1], 2), amounts.percent(training.steps[-1], length)
    said = f"Curves of the error after {done} of the learning: {last} on what it learns"
    if len(held_out):
        said += f", {amounts.number(held_out.losses[-1], 2)} on questions set aside"
    if best is not None:
        said += (
            f", lowest {amounts.number(best.loss, 2)} after {amounts.percent(best.step, length)}"
        )
    return said


def _held_out_line(night: Night, index: int, steps: int) -> str:
    step, loss = night.held_out.steps[index], night.held_out.losses[index]
    after = amounts.percent(step, length_of(night, steps))
    line = f"Error on questions set aside: {amounts.number(loss, 2)} after {after}"
    is_best = night.best is not None and night.best.step == step
    return f"{line}, the best so far" if is_best else line


def _mark_lines(night: Night, step: float, reach: float) -> list[str]:
    near = [mark for mark in night.marks if abs(mark.step - step) <= reach]
    near.sort(key=lambda mark: (abs(mark.step - step), mark.at))
    lines = [f"{amounts.time_of_day(mark.at)} {mark.text}" for mark in near[:_MOST_MARKS]]
    if len(near) > _MOST_MARKS:
        lines.append(f"And {len(near) - _MOST_MARKS} more here.")
    return lines
