"""A loss over the steps of a run, kept within bounds however long the run is."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from itertools import groupby
from math import isfinite

# The newest points stay as they are; of older ones, enough to draw the same picture.
_EXACT = 8192
_OLDER = 8192
_SMOOTHING = 0.05  # the weight of a new loss in the running mean, once there are some


def _column() -> array[float]:
    return array("d")


@dataclass(frozen=True)
class Curve:
    """Points in the order of their steps; all columns are equally long.

    `means` follow the losses smoothly; `times` are Unix times.
    """

    steps: array[float] = field(default_factory=_column)
    losses: array[float] = field(default_factory=_column)
    means: array[float] = field(default_factory=_column)
    times: array[float] = field(default_factory=_column)

    def __len__(self) -> int:
        return len(self.steps)

    @property
    def columns(self) -> tuple[array[float], ...]:
        """All columns, in the order of the fields."""
        return self.steps, self.losses, self.means, self.times


class GrowingCurve:
    """Takes one loss after the other; never holds more than `older` + 2 * `exact` points.

    The newest `exact` points are kept as they are. Older ones are gathered into stretches of
    steps, all equally long, of which the lowest and the highest loss are kept: no peak is lost.
    """

    def __init__(self, exact: int = _EXACT, older: int = _OLDER) -> None:
        self._exact = exact
        self._older = older
        self._stretch = 1
        self._curve = Curve()

    def add(self, step: int, loss: float, at: float) -> None:
        """Append a point; those from its step on are dropped, because these steps were repeated."""
        self.cut(step)
        if not isfinite(loss):
            return
        row = (step, loss, self._mean_with(loss), at)
        for column, value in zip(self._curve.columns, row, strict=True):
            column.append(value)
        if len(self._curve) >= self._older + 2 * self._exact:
            self._thin()

    def cut(self, first: int) -> None:
        """Drop the points from the step `first` on."""
        while self._curve.steps and self._curve.steps[-1] >= first:
            for column in self._curve.columns:
                column.pop()

    def copy(self) -> Curve:
        """The curve as it is now."""
        return Curve(*(column[:] for column in self._curve.columns))

    def _mean_with(self, loss: float) -> float:
        means = self._curve.means
        if not means:
            return loss
        share = max(_SMOOTHING, 1 / (len(means) + 1))
        return means[-1] + share * (loss - means[-1])

    def _thin(self) -> None:
        ageing = len(self._curve) - self._exact
        kept = self._extremes(ageing)
        while len(kept) > self._older:
            self._stretch *= 2
            kept = self._extremes(ageing)
        self._curve = Curve(
            *(
                array("d", map(column.__getitem__, kept)) + column[ageing:]
                for column in self._curve.columns
            )
        )

    def _extremes(self, ageing: int) -> list[int]:
        """Of the first `ageing` points: the first, and those with a stretch's extreme losses."""
        steps, losses = self._curve.steps, self._curve.losses
        kept = [0]
        for _, stretch in groupby(range(ageing), lambda i: steps[i] // self._stretch):
            points = list(stretch)
            low = min(points, key=losses.__getitem__)
            high = max(points, key=losses.__getitem__)
            kept += sorted({low, high} - {0})
        return kept
