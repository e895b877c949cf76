"""Datasets of what the rules wrote, for tests that need no model."""

from __future__ import annotations

from mlx_backend.dataset.compose import Additions, gather
from mlx_backend.dataset.planned import planned_dataset
from mlx_backend.dataset.samples import Dataset
from mlx_backend.library.notes import Notes
from mlx_backend.library.samples import Samples


def make_dataset(notes: Notes, seed: int) -> Dataset:
    """What a run would train on, studied by rule alone."""
    samples = Samples(notes.connection)
    return planned_dataset(samples, gather(notes), True, Additions(None), seed)
