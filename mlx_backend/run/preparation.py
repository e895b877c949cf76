"""Everything that stands ready before the first step: samples as tokens, model with adapter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import mlx.core as mx

from mlx_backend.dataset.samples import GENERAL, Dataset, Sample
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.jobs.memory_ladder import Lowered
from mlx_backend.library.adapters import find_adapter
from mlx_backend.library.home import Library
from mlx_backend.machine.accelerator import bound_run_ahead, has_gpu
from mlx_backend.models import lora
from mlx_backend.models.base_model import LoadedModel, load_base_model
from mlx_backend.protocol import TrainSpec
from mlx_backend.training.batches import (
    BATCH_POSITIONS,
    PackedBatches,
    SoftTargets,
    TokenisedSample,
)
from mlx_backend.training.distillation import soft_targets
from mlx_backend.training.hosts.crew import Crew
from mlx_backend.training.loop import HeldOut
from mlx_backend.training.memory_saving import Frugality, Recomputed, rung, rungs, steps_down
from mlx_backend.training.step import TrainingStep
from mlx_backend.training.stopping import Check, never

GPU_POSITIONS = 2048


@dataclass(frozen=True)
class Preparation:
    """What a training loop needs.

    `cut` are the samples, by their numbers in the dataset, whose ends are not learned for they
    are too long, and `unlearnable` those of which nothing is. `soft` is what the samples that keep
    the model's other abilities teach, by the numbers of these. `crew` are the machines that train
    along, None where this one is alone.
    """

    loaded: LoadedModel
    shape: lora.LoraShape
    crew: Crew | None
    frugality: Frugality
    training: TrainingStep
    batches: PackedBatches
    held_out: HeldOut
    soft: Mapping[int, SoftTargets]
    cut: tuple[int, ...]
    unlearnable: tuple[int, ...]


@dataclass(frozen=True)
class _Basis:
    loaded: LoadedModel
    shape: lora.LoraShape
    crew: Crew | None
    soft: Mapping[int, SoftTargets]

    def step(self, recomputed: Recomputed) -> TrainingStep:
        if self.crew is None:
            return TrainingStep(self.loaded.model, recomputed)
        return self.crew.step(self.loaded.model, recomputed)


def prepare(
    library: Library,
    spec: TrainSpec,
    dataset: Dataset,
    down: int = 0,
    crew: Crew | None = None,
    check: Check = never,
) -> Preparation:
    """Load the base model, put the adapter on it, and turn the samples into batches.

    `down` counts the rungs that are given up of `frugality.rungs` to save memory. A `crew` of
    other machines makes itself ready, too. `check` is called between the parts of the work.
    Raises OvernightError when the model or the adapter to start from cannot be used.
    """
    loaded = load_base_model(library, spec.model)
    soft = _soft_targets(loaded, dataset.train, check)
    mx.random.seed(spec.seed)
    shape = _attach(library, spec, loaded)
    bound_run_ahead()
    if crew is not None:
        crew.meet(loaded.info.card.name, loaded.info.card.sha256, shape)
    return _make(_Basis(loaded, shape, crew, soft), spec, dataset, down)


def again(preparation: Preparation, spec: TrainSpec, dataset: Dataset, down: int) -> Preparation:
    """The same on another rung, without loading anything anew."""
    basis = _Basis(preparation.loaded, preparation.shape, preparation.crew, preparation.soft)
    return _make(basis, spec, dataset, down)


def _make(basis: _Basis, spec: TrainSpec, dataset: Dataset, down: int) -> Preparation:
    loaded = basis.loaded
    frugality = _way(spec, down)
    longest = frugality.shape.longest_row
    train = _tokenise(loaded, dataset.train, longest, basis.soft)
    batches = PackedBatches(train, spec.seed, frugality.shape)
    if batches.steps(1) == 0:
        raise OvernightError(
            ErrorKind.NO_NOTES,
            "There is nothing in the notes that could be learned.",
            "Add notes with a few sentences of text.",
        )
    held_out = PackedBatches(
        _tokenise(loaded, dataset.held_out, longest, {}), spec.seed, frugality.shape
    )
    return Preparation(
        loaded=loaded,
        shape=basis.shape,
        crew=basis.crew,
        frugality=frugality,
        training=basis.step(frugality.recomputed),
        batches=batches,
        held_out=HeldOut(
            batches=tuple(part for i in range(held_out.steps(1)) for part in held_out[i]),
            notes={number: sample.note for number, sample in enumerate(dataset.held_out)},
        ),
        soft=basis.soft,
        cut=tuple(i for i, sample in enumerate(train) if sample.is_cut and sample.targets),
        unlearnable=tuple(i for i, sample in enumerate(train) if not sample.targets),
    )


def down_to(spec: TrainSpec, planned: int, lowered: Lowered) -> int:
    """How far down the ladder this run is, planned so far down, with what it gave up since."""
    return steps_down(planned, lowered, _ladder(spec), spec.low_memory)


def takes_least(spec: TrainSpec, down: int) -> bool:
    """Whether there is no way below that takes less memory."""
    return _way(spec, down) == _ladder(spec)[-1]


def positions() -> int:
    """Positions in a batch: what keeps this machine's processor busy, and no more."""
    return GPU_POSITIONS if has_gpu() else BATCH_POSITIONS


def _ladder(spec: TrainSpec) -> tuple[Frugality, ...]:
    return rungs(positions(), spec.dropout, spec.machines)


def _way(spec: TrainSpec, down: int) -> Frugality:
    return rung(down, spec.low_memory, positions(), spec.dropout, spec.machines)


def _attach(library: Library, spec: TrainSpec, loaded: LoadedModel) -> lora.LoraShape:
    if spec.start_from is None:
        shape = lora.LoraShape.of(spec.kind, spec.rank, spec.scale, spec.dropout)
        lora.attach(loaded.model, shape)
        return shape
    adapter = find_adapter(library.adapters, spec.start_from_id, spec.start_from)
    if adapter.card.base_sha256 != loaded.info.card.sha256:
        raise OvernightError(
            ErrorKind.BAD_INPUT,
            f"The adapter '{spec.start_from}' was trained on {adapter.card.base},"
            f" not on {spec.model}.",
            f"Train with the base model {adapter.card.base}, or start afresh.",
        )
    card = adapter.card
    shape = lora.LoraShape(card.rank, card.scale, spec.dropout, card.decomposed)
    lora.attach(loaded.model, shape)
    lora.load_factors(loaded.model, adapter)
    return shape


def _soft_targets(
    loaded: LoadedModel, samples: Sequence[Sample], check: Check
) -> dict[int, SoftTargets]:
    """By their numbers, what the samples teach that keep what the base model could."""
    numbers = [i for i, sample in enumerate(samples) if sample.kind == GENERAL]
    pairs = [(samples[i].prompt, samples[i].answer) for i in numbers]
    found = soft_targets(loaded, loaded.form.samples(pairs), check)
    return dict(zip(numbers, found, strict=True))


def _tokenise(
    loaded: LoadedModel,
    samples: Sequence[Sample],
    longest_row: int,
    soft: Mapping[int, SoftTargets],
) -> list[TokenisedSample]:
    pairs = [(prompt, s.answer) for s in samples for prompt in (s.prompt, *s.rewordings)]
    tokenised = iter(loaded.form.samples(pairs))
    found = []
    for number, sample in enumerate(samples):
        first = TokenisedSample.of(*next(tokenised), longest_row, soft.get(number))
        others = (TokenisedSample.of(*next(tokenised), longest_row) for _ in sample.rewordings)
        rewordings = tuple(other for other in others if other.targets)
        found.append(replace(first, rewordings=rewordings))
    return found
