"""Everything that stands ready before the first step: samples as tokens, model with adapter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import mlx.core as mx

from mlx_backend import lora
from mlx_backend.base_model import LoadedModel, load_base_model
from mlx_backend.dataset import Dataset, Sample
from mlx_backend.errors import Kind, OvernightError
from mlx_backend.library.adapters import read_adapter
from mlx_backend.library.home import Library
from mlx_backend.protocol import TrainSpec
from mlx_backend.training.batches import Batch, PackedBatches, TokenisedSample
from mlx_backend.training.step import TrainingStep


@dataclass(frozen=True)
class Preparation:
    """What a training loop needs."""

    loaded: LoadedModel
    shape: lora.LoraShape
    training: TrainingStep
    batches: PackedBatches
    held_out: tuple[Batch, ...]
    cut_samples: int


def prepare(library: Library, spec: TrainSpec, dataset: Dataset) -> Preparation:
    """Load the base model, put the adapter on it, and turn the samples into batches.

    Raises OvernightError when the model or the adapter to start from cannot be used.
    """
    loaded = load_base_model(library, spec.model)
    mx.random.seed(spec.seed)
    shape = _attach(library, spec, loaded)
    train = _tokenise(loaded, dataset.train)
    batches = PackedBatches(train, spec.seed)
    if batches.steps(1) == 0:
        raise OvernightError(
            Kind.NO_NOTES,
            "There is nothing in the notes that could be learned.",
            "Add notes with a few sentences of text.",
        )
    held_out = PackedBatches(_tokenise(loaded, dataset.held_out), spec.seed)
    return Preparation(
        loaded=loaded,
        shape=shape,
        training=TrainingStep(loaded.model),
        batches=batches,
        held_out=tuple(held_out[i] for i in range(held_out.steps(1))),
        cut_samples=sum(sample.is_cut for sample in train),
    )


def _attach(library: Library, spec: TrainSpec, loaded: LoadedModel) -> lora.LoraShape:
    if spec.start_from is None:
        shape = lora.LoraShape(spec.rank, spec.scale, spec.dropout)
        lora.attach(loaded.model, shape)
        return shape
    adapter = read_adapter(library.adapters, spec.start_from)
    if adapter.card.base_sha256 != loaded.info.card.sha256:
        raise OvernightError(
            Kind.BAD_INPUT,
            f"The adapter '{spec.start_from}' was trained on {adapter.card.base},"
            f" not on {spec.model}.",
            f"Train with the base model {adapter.card.base}, or start afresh.",
        )
    shape = lora.LoraShape(adapter.card.rank, adapter.card.scale, spec.dropout)
    lora.attach(loaded.model, shape)
    lora.load_factors(loaded.model, adapter)
    return shape


def _tokenise(loaded: LoadedModel, samples: Sequence[Sample]) -> list[TokenisedSample]:
    pairs = [(sample.prompt, sample.answer) for sample in samples]
    return [TokenisedSample.of(ids, length) for ids, length in loaded.form.samples(pairs)]
