"""The dataset that a run would have, without the base model's part in study."""

from __future__ import annotations

import msgspec

from mlx_backend.dataset import compose
from mlx_backend.dataset.compose import Additions, Material
from mlx_backend.dataset.samples import GENERAL, Dataset
from mlx_backend.dataset.upkeep import GeneralAnswers, general_prompts
from mlx_backend.library.samples import Samples
from mlx_backend.study.studying import study_by_rule

# About as long as what the base model answers; its likelihoods need not be known for a plan.
_ANSWER = " ".join(["word"] * 50)
_PLANNED = "planned"


def planned_dataset(
    samples: Samples, material: Material, study: bool, reads: bool, seed: int
) -> Dataset:
    """The dataset from what the rules write, which is saved; this takes seconds.

    study: whether the run would study. reads: as in `Additions`.

    Raises OvernightError when there is nothing to learn from.
    """
    if not study:
        return compose.raw_dataset(material, seed)
    study_by_rule(samples, material.passages)
    studied = compose.studied_passages(samples, material.passages)
    general = GeneralAnswers("", tuple((prompt, _ANSWER) for prompt in general_prompts()))
    dataset = compose.studied_dataset(studied, material, Additions(general, reads), seed)
    train = [
        msgspec.structs.replace(each, kind=_PLANNED) if each.kind == GENERAL else each
        for each in dataset.train
    ]
    return msgspec.structs.replace(dataset, train=tuple(train))
