"""Preparing the training: the samples become batches of tokens, the model gets its adapter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import mlx.core as mx
import msgspec
import numpy as np

from mlx_backend.dataset.samples import CANARY, GENERAL, KEYWORDS, Dataset, Sample
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.jobs.memory_ladder import LONG_ROW, MemoryWay, Recomputed, first_way
from mlx_backend.library.adapters import Adapter, find_adapter
from mlx_backend.library.home import Library
from mlx_backend.library.training_recipes import recipe_of
from mlx_backend.machine.accelerator import bound_run_ahead, has_gpu
from mlx_backend.models import lora
from mlx_backend.models.architecture import window_of
from mlx_backend.models.base_model import LoadedModel, load_base_model, load_chat_form
from mlx_backend.models.chat_form import ChatForm
from mlx_backend.models.starter import find_base_model
from mlx_backend.protocol import TrainSpec
from mlx_backend.run.key_spans import key_spans
from mlx_backend.training.batch_arrays import Batch
from mlx_backend.training.batches import BATCH_POSITIONS, BatchShape, PackedBatches
from mlx_backend.training.distillation import (
    GENERAL_ALONE,
    TargetWork,
    Tokens,
    expected_teaching_s,
    soft_targets,
    taught_targets,
)
from mlx_backend.training.evaluating import HeldOut
from mlx_backend.training.hosts.crew import Crew
from mlx_backend.training.looks import Look
from mlx_backend.training.memory_saving import batch_shape
from mlx_backend.training.step import TrainingStep
from mlx_backend.training.tokenised import SoftTargets, TokenisedSample
from mlx_backend.training.trial import Trial, kept_trial, trial_of

GPU_POSITIONS = 2048

_ANY_LENGTH = 1 << 30


@dataclass(frozen=True)
class Soft:
    """Soft targets by the index of a sample.

    trained: of `Dataset.train`. general: of `Dataset.general`.
    """

    trained: Mapping[int, SoftTargets]
    general: Mapping[int, SoftTargets]


@dataclass(frozen=True)
class Preparation:
    """What a training loop needs.

    `trial` is how the base model is trained, `way` how a step saves memory. `cut` are the samples,
    by their index in the dataset, that are too long to be learned to their end, `unlearnable` those
    of which nothing is learned. `soft` are the soft targets of samples, by index.
    `crew` are the other machines of the run, None where this one trains alone.
    """

    loaded: LoadedModel
    trial: Trial
    shape: lora.LoraShape
    crew: Crew | None
    way: MemoryWay
    training: TrainingStep
    batches: PackedBatches
    held_out: HeldOut
    soft: Soft
    cut: tuple[int, ...]
    unlearnable: tuple[int, ...]


@dataclass(frozen=True)
class _Loaded:
    loaded: LoadedModel
    trial: Trial
    shape: lora.LoraShape
    crew: Crew | None
    soft: Soft

    def step(self, wanted: Recomputed) -> TrainingStep:
        recomputed = self.trial.recomputed(wanted)
        if self.crew is None:
            return TrainingStep(self.loaded.model, recomputed)
        return self.crew.step(self.loaded.model, recomputed)


def prepare(
    library: Library,
    spec: TrainSpec,
    dataset: Dataset,
    way: MemoryWay | None = None,
    crew: Crew | None = None,
    work: TargetWork = GENERAL_ALONE,
) -> Preparation:
    """Load the base model, put the adapter on it, and turn the samples into batches.

    `way` is how a step saves memory; None for the way in which the run begins. A `crew` of other
    machines loads the model as well. `work` says how soft targets are computed. Raises
    OvernightError when the model or the adapter to start from cannot be used.
    """
    loaded = load_base_model(library, spec.model)
    trial = trial_of(loaded)
    soft = _soft_targets(loaded, dataset, work)
    mx.random.seed(spec.seed)
    shape = _attach(library, spec, loaded, trial)
    bound_run_ahead()
    if crew is not None:
        crew.meet(loaded.info.card.name, loaded.info.card.sha256, shape)
    return _prepare_batches(
        _Loaded(loaded, trial, shape, crew, soft), spec, dataset, way or way_at_start(spec)
    )


def check_base_model(library: Library, name: str) -> None:
    """Raise OvernightError where a base model cannot be trained; what is known is not tried again.

    For the beginning of a night, because its study alone may take hours.
    """
    _known_trial(library, name)


def check_embeddings(library: Library, spec: TrainSpec) -> None:
    """Raise OvernightError where a run asks for an adapter on embeddings that cannot have one."""
    if spec.embeddings:
        start = _adapter_to_start_from(library, spec)
        decomposed = spec.kind == "dora" if start is None else start.card.decomposed
        _check_embeddings(spec.model, _known_trial(library, spec.model), decomposed)


def _check_embeddings(model: str, trial: Trial, decomposed: bool) -> None:
    if decomposed:
        raise OvernightError(
            ErrorKind.BAD_INPUT,
            "An adapter of the kind DoRA cannot change embeddings.",
            "Train without embeddings, or an adapter of the kind lora or rslora"
            " (Settings, Details).",
        )
    if not trial.embeddings:
        raise OvernightError(
            ErrorKind.BAD_INPUT,
            f"The embeddings of the base model '{model}' cannot be trained. A step with an adapter"
            " on them was tried, but the model does not compute with it as it should.",
            "Train without embeddings (Settings, Details), or choose another base model.",
        )


def _known_trial(library: Library, name: str) -> Trial:
    """The trial of a base model, which is loaded only where none is kept."""
    trial = kept_trial(find_base_model(library, name))
    if trial is None:
        trial = trial_of(load_base_model(library, name))
        mx.clear_cache()
    return trial


def prepare_another_way(
    preparation: Preparation, spec: TrainSpec, dataset: Dataset, way: MemoryWay
) -> Preparation:
    """The same for another way of saving memory, without loading the model again."""
    basis = _Loaded(
        preparation.loaded,
        preparation.trial,
        preparation.shape,
        preparation.crew,
        preparation.soft,
    )
    return _prepare_batches(basis, spec, dataset, way)


def _prepare_batches(
    basis: _Loaded, spec: TrainSpec, dataset: Dataset, way: MemoryWay
) -> Preparation:
    loaded = basis.loaded
    shape = batch_shape(way, positions(), spec.machines, basis.trial.packs)
    train = _weighted(_tokenise(loaded.form, dataset.trained, way.longest_row, basis.soft.trained))
    own = train[: len(dataset.train)]
    batches = PackedBatches(train, spec.seed, shape, _looks_before(dataset))
    if batches.steps(1) == 0:
        raise OvernightError(
            ErrorKind.NO_NOTES,
            "There is nothing in the notes that could be learned.",
            "Add notes with a few sentences of text.",
        )
    held_out = _tokenise(loaded.form, dataset.followed, way.longest_row, {})
    general = _tokenise(loaded.form, dataset.general, way.longest_row, basis.soft.general)
    return Preparation(
        loaded=loaded,
        trial=basis.trial,
        shape=basis.shape,
        crew=basis.crew,
        way=way,
        training=basis.step(way.recomputed),
        batches=batches,
        held_out=HeldOut(
            batches=_batches_of(held_out, spec.seed, shape),
            notes={number: sample.note for number, sample in enumerate(dataset.followed)},
            general=_batches_of(general, spec.seed, shape),
        ),
        soft=basis.soft,
        cut=tuple(i for i, sample in enumerate(own) if sample.is_cut and sample.targets),
        unlearnable=tuple(i for i, sample in enumerate(own) if not sample.targets),
    )


def _batches_of(
    samples: Sequence[TokenisedSample], seed: int, shape: BatchShape
) -> tuple[Batch, ...]:
    """All samples once, packed into batches that go through the model at once."""
    packed = PackedBatches(samples, seed, shape)
    return tuple(part for i in range(packed.steps(1)) for part in packed[i])


def seen_samples(
    library: Library,
    spec: TrainSpec,
    dataset: Dataset,
    way: MemoryWay,
    steps: int,
    looks: Sequence[Look] = (),
) -> set[int]:
    """Which samples of `Dataset.train`, by index, the first `steps` steps have shown to the model.

    `looks` are what was found known meanwhile. How rows are packed depends on the longest of them,
    which a run may have shortened to `way`'s since it began: both count. Raises OvernightError when
    the base model cannot be used.
    """
    packs = _known_trial(library, spec.model).packs
    form = load_chat_form(library, spec.model)
    seen: set[int] = set()
    for longest in {LONG_ROW, way.longest_row}:
        shape = batch_shape(
            msgspec.structs.replace(way, longest_row=longest), positions(), spec.machines, packs
        )
        train = _tokenise(form, dataset.trained, longest, {})
        batches = PackedBatches(train, spec.seed, shape, looks or _looks_before(dataset))
        seen |= set(batches.seen(steps))
    return {number for number in seen if number < len(dataset.train)}


def way_at_start(spec: TrainSpec) -> MemoryWay:
    """The way of saving memory in which a run begins on this machine."""
    return first_way(positions(), spec.dropout, spec.low_memory)


def positions() -> int:
    """Tokens in a batch: as many as keep the processor or GPU of this machine busy, and no more."""
    return GPU_POSITIONS if has_gpu() else BATCH_POSITIONS


def _looks_before(dataset: Dataset) -> tuple[Look, ...]:
    """What the adapter to go on with knew, as if a look had found it; nothing in a fresh run."""
    before = dataset.known_before
    return (Look(0, 0, before.known, before.missed),) if before.known or before.missed else ()


def _attach(library: Library, spec: TrainSpec, loaded: LoadedModel, trial: Trial) -> lora.LoraShape:
    adapter = _adapter_to_start_from(library, spec)
    if adapter is None:
        rank = spec.rank or recipe_of(loaded.info).rank
        shape = lora.LoraShape.of(spec.kind, rank, spec.scale, spec.dropout)
    else:
        shape = _shape_of(adapter, spec, loaded)
    shape = replace(shape, skipped=trial.skipped, embeddings=shape.embeddings or spec.embeddings)
    if shape.embeddings:
        _check_embeddings(spec.model, trial, shape.decomposed)
    lora.attach(loaded.model, shape)
    if adapter is not None:
        lora.load_factors(loaded.model, adapter)
    return shape


def _adapter_to_start_from(library: Library, spec: TrainSpec) -> Adapter | None:
    if spec.start_from is None:
        return None
    return find_adapter(library.adapters, spec.start_from_id, spec.start_from)


def _shape_of(adapter: Adapter, spec: TrainSpec, loaded: LoadedModel) -> lora.LoraShape:
    """The shape of an adapter to go on with. Raises OvernightError if it is another model's."""
    card = adapter.card
    if card.base_sha256 != loaded.info.card.sha256:
        raise OvernightError(
            ErrorKind.BAD_INPUT,
            f"The adapter '{spec.start_from}' was trained on {card.base}, not on {spec.model}.",
            f"Train with the base model {card.base}, or start afresh.",
        )
    return lora.LoraShape(
        card.rank, card.scale, spec.dropout, card.decomposed, embeddings=card.embeddings
    )


def _soft_targets(loaded: LoadedModel, dataset: Dataset, work: TargetWork) -> Soft:
    """The soft targets of the general samples, and of those that have a passage for the teacher."""
    general = _of_general(loaded, dataset.train, work)
    held_back = _of_general(loaded, dataset.general, work)
    taught: dict[int, SoftTargets] = {}
    lessons = _lessons(loaded, dataset.train) if work.folder is not None else {}
    if lessons:
        temperature = recipe_of(loaded.info).temperature
        found = taught_targets(loaded, list(lessons.values()), temperature, work)
        numbers = list(lessons)
        taught = {numbers[place]: targets for place, targets in found.items()}
    return Soft(general | taught, held_back)


def _of_general(
    loaded: LoadedModel, samples: Sequence[Sample], work: TargetWork
) -> dict[int, SoftTargets]:
    numbers = [i for i, sample in enumerate(samples) if sample.kind == GENERAL]
    pairs = [(samples[i].prompt, samples[i].answer) for i in numbers]
    found = soft_targets(loaded, loaded.form.samples(pairs), work.check)
    return dict(zip(numbers, found, strict=True))


def _lessons(loaded: LoadedModel, samples: Sequence[Sample]) -> dict[int, Tokens]:
    """What the teacher reads for each sample that names a prompt for it, by its index.

    Not where that is longer than the model reads, or where the answer has other tokens behind the
    teacher's prompt than behind the student's: those samples are trained with their words.
    """
    numbers = [i for i, sample in enumerate(samples) if sample.in_view]
    asked = [(samples[i].prompt, samples[i].answer) for i in numbers]
    shown = [(samples[i].in_view, samples[i].answer) for i in numbers]
    window = window_of(loaded.model) or _ANY_LENGTH
    students, teachers = loaded.form.samples(asked), loaded.form.samples(shown)
    return {
        i: teacher
        for i, student, teacher in zip(numbers, students, teachers, strict=True)
        if _answer_of(student) == _answer_of(teacher) and len(teacher[0]) <= window
    }


def _answer_of(sample: Tokens) -> list[int]:
    ids, prompt = sample
    return ids[prompt:]


def expected_targets_s(preparation: Preparation, dataset: Dataset) -> float:
    """About how many seconds a run will take to compute what a teacher says; 0 without one."""
    lessons = _lessons(preparation.loaded, dataset.train)
    return expected_teaching_s(preparation.loaded, list(lessons.values()))


def _tokenise(
    form: ChatForm,
    samples: Sequence[Sample],
    longest_row: int,
    soft: Mapping[int, SoftTargets],
) -> list[TokenisedSample]:
    pairs = [(prompt, s.answer) for s in samples for prompt in (s.prompt, *s.rewordings)]
    tokenised = iter(form.samples(pairs))
    keys = key_spans(form, samples)
    found = []
    for number, sample in enumerate(samples):
        first = TokenisedSample.of(*next(tokenised), longest_row, soft.get(number))
        others = [_reworded(first, *next(tokenised), longest_row) for _ in sample.rewordings]
        rewordings = tuple(other for other in others if other.targets)
        key = keys.get(number, (0, 0))
        found.append(
            replace(
                first,
                rewordings=rewordings,
                fact=""
                if sample.kind == CANARY
                else sample.fact,  # whether it is known isn't asked
                key=key,
                is_question=bool(sample.key) and sample.kind != KEYWORDS,
            )
        )
    return found


def _reworded(
    first: TokenisedSample, ids: Sequence[int], prompt_length: int, longest_row: int
) -> TokenisedSample:
    """A sample with another prompt; what the teacher says of the answer holds for it, too."""
    other = TokenisedSample.of(ids, prompt_length, longest_row)
    learned, own = first.tokens[first.prompt_length :], other.tokens[other.prompt_length :]
    return replace(other, soft=first.soft) if np.array_equal(learned, own) else other


def _weighted(samples: Sequence[TokenisedSample]) -> list[TokenisedSample]:
    """The same with more weight on the keys of their answers, where the targets are words."""
    return [s.weighted(*s.key) if any(s.key) and s.soft is None else s for s in samples]
