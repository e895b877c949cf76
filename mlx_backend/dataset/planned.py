"""The dataset that a plan assumes, before the base model has written anything."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from mlx_backend.dataset import compose
from mlx_backend.dataset.compose import Additions, Material
from mlx_backend.dataset.general_samples import GeneralAnswers, general_prompts
from mlx_backend.dataset.samples import GENERAL, Dataset
from mlx_backend.library.samples import Samples
from mlx_backend.study.study import study_by_rule

# About as long as what the base model answers; its likelihoods need not be known for a plan.
_ANSWER = " ".join(["word"] * 50)
_PLANNED = "planned"


def planned_dataset(
    samples: Samples, material: Material, study: bool, additions: Additions, seed: int
) -> Dataset:
    """The dataset from what the rules write, which is saved; this takes seconds.

    study: whether the run would study. additions: without general answers, which are made up.

    Raises OvernightError when there is nothing to learn from.
    """
    if not study:
        return compose.raw_dataset(material, seed)
    study_by_rule(samples, material.passages)
    studied = compose.studied_passages(samples, material.passages, material.answers_kept)
    general = GeneralAnswers("", tuple((prompt, _ANSWER) for prompt in general_prompts()))
    dataset = compose.studied_dataset(studied, material, replace(additions, general=general), seed)
    train = [
        msgspec.structs.replace(each, kind=_PLANNED) if each.kind == GENERAL else each
        for each in dataset.train
    ]
    return msgspec.structs.replace(dataset, train=tuple(train), general=())
