"""The dataset that a run would have, without the base model's part in study."""

from __future__ import annotations

from mlx_backend.dataset import compose
from mlx_backend.dataset.compose import Beside, Material
from mlx_backend.dataset.samples import Dataset
from mlx_backend.study.store import Samples
from mlx_backend.study.studying import study_by_rule


def planned_dataset(
    samples: Samples, material: Material, study: bool, reads: bool, seed: int
) -> Dataset:
    """What the rules write is written now, for good; it takes seconds. `reads` is that of `Beside`.

    Raises OvernightError when there is nothing to learn from.
    """
    if not study:
        return compose.raw_dataset(material, seed)
    study_by_rule(samples, material.passages)
    studied = compose.studied_passages(samples, material.passages)
    return compose.studied_dataset(studied, material, Beside(None, reads), seed)
