"""Held-out samples: what the model loses on them, and how often that is found out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from mlx_backend.training.batch_arrays import Batch
from mlx_backend.training.step import TrainingStep

_EVALUATIONS = 20
_STEPS_PER_HELD_OUT_BATCH = 4


@dataclass(frozen=True)
class HeldOut:
    """Held-out samples, which are never trained on: batches, and note ids by sample number.

    general: batches of general samples with the base model's soft targets.
    """

    batches: tuple[Batch, ...] = ()
    notes: Mapping[int, int] = field(default_factory=dict)
    general: tuple[Batch, ...] = ()

    @property
    def size(self) -> int:
        """The number of all batches."""
        return len(self.batches) + len(self.general)


def evaluation_interval(steps: int, held_out: int) -> int:
    """The number of steps between two evaluations of `held_out` held-out batches.

    There are about twenty evaluations in a run, and they take a tenth of the time at most, because
    evaluating a held-out batch takes less than half as long as a step.
    """
    return max(1, steps // _EVALUATIONS, held_out * _STEPS_PER_HELD_OUT_BATCH)


def losses_by_note(training: TrainingStep, held_out: HeldOut) -> dict[int, tuple[float, int]]:
    """For each note id, the sum of its losses (nats) and its number of tokens.

    A sample whose loss is not finite is left out.
    """
    found: dict[int, tuple[float, int]] = {}
    for batch in held_out.batches:
        losses = training.losses(batch)
        for sample in np.unique(batch.samples).tolist():
            own = losses[batch.samples == sample]
            if np.isfinite(own).all():
                note = held_out.notes[sample]
                total, count = found.get(note, (0.0, 0))
                found[note] = (total + float(own.sum(dtype=np.float64)), count + len(own))
    return found


def mean_divergence(training: TrainingStep, general: Sequence[Batch]) -> float | None:
    """The mean KL divergence (nats per token) to the base model on general prompts.

    None where there are none.
    """
    losses = [training.losses(batch) for batch in general]
    if not losses:
        return None
    return float(np.concatenate(losses).mean(dtype=np.float64))
