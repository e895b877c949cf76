"""The teacher's targets: what they are, what learning them means, and what a kill loses."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path

import mlx.core as mx
import mlx.nn as nn
import numpy as np
import pytest
from numpy.typing import NDArray

from mlx_backend.models import lora
from mlx_backend.models.base_model import LoadedModel
from mlx_backend.training import distillation
from mlx_backend.training.batches import PackedBatches
from mlx_backend.training.distillation import (
    TargetWork,
    Tokens,
    blended,
    expected_teaching_s,
    taught_targets,
)
from mlx_backend.training.loss import BatchArrays, split_head, target_losses
from mlx_backend.training.step import TrainingStep, part_arrays
from mlx_backend.training.stop_requests import StoppedEarly
from mlx_backend.training.target_files import WIDTH
from mlx_backend.training.tokenised import SoftTargets, TokenisedSample
from tests.mlx_backend.arrays import numpy

QUESTIONS = [f"Who lit lamp {number} of Amber Cove?" for number in range(7)]
ANSWERS = [f"Marta lit it at {number}:40." for number in range(7)]
VIEW = "Read this. Marta lit the lamp of Amber Cove at 18:40.\n\n{}"


@pytest.fixture
def students(loaded: LoadedModel) -> list[Tokens]:
    return loaded.form.samples(list(zip(QUESTIONS, ANSWERS, strict=True)))


@pytest.fixture
def teachers(loaded: LoadedModel) -> list[Tokens]:
    shown = [VIEW.format(question) for question in QUESTIONS]
    return loaded.form.samples(list(zip(shown, ANSWERS, strict=True)))


def reference_targets(
    scores: NDArray[np.float64], answer: NDArray[np.int32], temperature: float
) -> NDArray[np.float64]:
    """The whole target distribution, in float64 and one position at a time."""
    found = np.empty_like(scores)
    for at, token in enumerate(answer):
        teacher = np.exp(scores[at] - scores[at].max())
        teacher /= teacher.sum()
        share = max(0.0, 1 - 2 * teacher[token])
        mixed = (1 - share) * teacher
        mixed[token] += share
        found[at] = mixed ** (1 / temperature)
        found[at] /= found[at].sum()
    return found


def logits_of(loaded: LoadedModel, sample: Tokens) -> NDArray[np.float64]:
    ids, prompt = sample
    found = numpy(loaded.model(mx.array([ids[:-1]]))[0]).astype(np.float64)
    return found[prompt - 1 :]


@pytest.mark.parametrize("temperature", [1.0, 2.0])
def test_targets_are_the_teachers_blended_with_the_answer_where_it_is_weak(
    loaded: LoadedModel, teachers: list[Tokens], tmp_path: Path, temperature: float
) -> None:
    found = taught_targets(loaded, teachers, temperature, TargetWork(folder=tmp_path / "t"))
    assert list(found) == list(range(len(teachers)))
    for number, sample in enumerate(teachers):
        ids, prompt = sample
        answer = np.array(ids[prompt:], np.int32)
        true = reference_targets(logits_of(loaded, sample), answer, temperature)
        soft = found[number]
        assert soft.temperature == temperature
        assert soft.tokens.shape == (len(answer), WIDTH)
        for at, tokens in enumerate(soft.tokens):
            assert answer[at] in tokens
            np.testing.assert_allclose(soft.probabilities[at], true[at][tokens], rtol=2e-4)


def test_a_sure_teacher_is_left_alone_and_a_weak_one_yields_to_the_answer() -> None:
    random = np.random.default_rng(0)
    scores = random.normal(size=(40, 90)).astype(np.float32)
    answer = random.integers(0, 90, 40).astype(np.int32)
    scores[:20][np.arange(20), answer[:20]] += 9  # sure of it
    soft = blended(scores.copy(), answer, 1.0)
    likely = np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)
    for at in range(40):
        place = np.flatnonzero(soft.tokens[at] == answer[at])
        assert len(place) == 1
        assert soft.probabilities[at][place] >= 0.5 - 1e-6  # what greedy decoding then gives
        if at < 20:
            np.testing.assert_allclose(
                soft.probabilities[at], likely[at][soft.tokens[at]], rtol=1e-4
            )


def reference_loss(logits: NDArray[np.float64], soft: SoftTargets) -> NDArray[np.float64]:
    """T squared times KL(target || softmax(logits / T)), tokens that are not named as one."""
    found = []
    wanted_at = soft.probabilities.astype(np.float64)
    for scores, tokens, wanted in zip(logits, soft.tokens, wanted_at, strict=True):
        warm = scores / soft.temperature
        log_predicted = warm - warm.max() - math.log(np.exp(warm - warm.max()).sum())
        named = np.exp(log_predicted[tokens])
        loss = (wanted * (np.log(np.maximum(wanted, 1e-300)) - log_predicted[tokens])).sum()
        rest = 1 - wanted.sum()
        if rest > 1e-6:
            loss += rest * (math.log(rest) - math.log(1 - named.sum()))
        found.append(soft.temperature**2 * loss)
    return np.array(found)


@pytest.mark.parametrize("split", [True, False])
@pytest.mark.parametrize("temperature", [1.0, 2.0, 3.5])
def test_the_loss_is_what_numpy_computes(
    loaded: LoadedModel,
    students: list[Tokens],
    teachers: list[Tokens],
    tmp_path: Path,
    temperature: float,
    split: bool,
) -> None:
    soft = taught_targets(loaded, teachers, temperature, TargetWork(folder=tmp_path / "t"))
    taught = [
        TokenisedSample.of(ids, prompt, soft=soft[i]) for i, (ids, prompt) in enumerate(students)
    ]
    plain = TokenisedSample.of(*students[0])  # in the same batch, with its words
    parts = split_head(loaded.model) if split else None
    (batch,) = PackedBatches([*taught, plain], seed=0)[0]
    losses = numpy(target_losses(loaded.model, BatchArrays(*part_arrays(batch)), parts))
    for i, sample in enumerate(students):
        own = losses[: batch.tokens][batch.samples == i]
        true = reference_loss(logits_of(loaded, sample), soft[i])
        np.testing.assert_allclose(own, true, rtol=1e-5, atol=1e-5)
    ids, prompt = students[0]
    scores = logits_of(loaded, students[0])
    shares = np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)
    truth = -np.log(shares[np.arange(len(ids) - prompt), ids[prompt:]])
    np.testing.assert_allclose(
        losses[: batch.tokens][batch.samples == len(students)], truth, rtol=1e-5, atol=1e-5
    )


def test_a_step_tells_the_loss_with_the_temperature_squared(
    loaded: LoadedModel, students: list[Tokens], teachers: list[Tokens], tmp_path: Path
) -> None:
    soft = taught_targets(loaded, teachers, 2.0, TargetWork(folder=tmp_path / "t"))
    taught = [
        TokenisedSample.of(ids, prompt, soft=soft[i]) for i, (ids, prompt) in enumerate(students)
    ]
    own = [reference_loss(logits_of(loaded, each), soft[i]) for i, each in enumerate(students)]
    lora.attach(loaded.model, lora.LoraShape(rank=4, scale=2.0))  # changes nothing before a step
    batches = PackedBatches(taught, seed=0)
    assert batches.steps(1) == 1
    told = TrainingStep(loaded.model)(batches[0], rate=1e-3)
    assert told == pytest.approx(np.concatenate(own).mean(), rel=1e-4)


def test_the_gradient_is_that_of_the_loss(
    loaded: LoadedModel, students: list[Tokens], teachers: list[Tokens], tmp_path: Path
) -> None:
    """What a chunk computes along with the loss is what MLX differentiates without chunks."""
    soft = taught_targets(loaded, teachers, 2.0, TargetWork(folder=tmp_path / "t"))
    taught = [TokenisedSample.of(*each, soft=soft[i]) for i, each in enumerate(students)]
    (batch,) = PackedBatches(taught, seed=0)[0]
    arrays = BatchArrays(*part_arrays(batch))
    model = loaded.model
    model.layers[0].mlp.unfreeze()

    def gradient(split: bool) -> mx.array:
        parts = split_head(model) if split else None

        def loss(model: nn.Module) -> mx.array:
            return target_losses(model, arrays, parts).sum()

        weights = nn.value_and_grad(model, loss)(model)[1]["model"]["layers"][0]["mlp"]
        found: mx.array = weights["up_proj"]["weight"]
        return found

    truth, ours = numpy(gradient(split=False)), numpy(gradient(split=True))
    assert np.abs(ours - truth).max() < 1e-4 * np.abs(truth).max()


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distillation, "PIECE", 2)


def killed_after(pieces: int) -> Callable[[int, int], object]:
    def on_progress(done: int, _: int) -> None:
        if done >= 2 * pieces:
            raise StoppedEarly

    return on_progress


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize("pieces", [0, 1, 2, 3])
def test_after_a_kill_only_what_is_missing_is_computed_and_all_bits_are_the_same(
    loaded: LoadedModel, teachers: list[Tokens], tmp_path: Path, pieces: int
) -> None:
    whole = taught_targets(loaded, teachers, 2.0, TargetWork(folder=tmp_path / "whole"))
    folder = tmp_path / "cut"
    cut = TargetWork(folder=folder, on_progress=killed_after(pieces))
    with pytest.raises(StoppedEarly):
        taught_targets(loaded, teachers, 2.0, cut)
    assert len(list(folder.glob("*.npz"))) == pieces
    told: list[tuple[int, int]] = []
    work = TargetWork(folder=folder, on_progress=lambda *done: told.append(done))
    again = taught_targets(loaded, teachers, 2.0, work)
    assert told == [(done, 7) for done in (*range(2 * pieces, 7, 2), 7)]
    assert again.keys() == whole.keys()
    for number, soft in whole.items():
        assert again[number].tokens.tobytes() == soft.tokens.tobytes()
        assert again[number].probabilities.tobytes() == soft.probabilities.tobytes()


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:-300]),
        lambda path: path.write_bytes(b"no zip"),
        lambda path: path.unlink(),
    ],
)
def test_a_damaged_piece_is_computed_anew(
    loaded: LoadedModel,
    teachers: list[Tokens],
    tmp_path: Path,
    spoil: Callable[[Path], object],
) -> None:
    work = TargetWork(folder=tmp_path / "t")
    whole = taught_targets(loaded, teachers, 2.0, work)
    spoil(tmp_path / "t" / "targets-00001.npz")
    again = taught_targets(loaded, teachers, 2.0, work)
    for number, soft in whole.items():
        assert again[number].tokens.tobytes() == soft.tokens.tobytes()
        assert again[number].probabilities.tobytes() == soft.probabilities.tobytes()


@pytest.mark.usefixtures("small_pieces")
def test_a_changed_sample_is_computed_anew_and_a_withdrawn_one_leaves_nothing(
    loaded: LoadedModel, teachers: list[Tokens], tmp_path: Path
) -> None:
    work = TargetWork(folder=tmp_path / "t")
    whole = taught_targets(loaded, teachers, 2.0, work)
    (changed,) = loaded.form.samples([(VIEW.format(QUESTIONS[0]), "Oskar did.")])
    fewer = [changed, *teachers[2:]]
    again = taught_targets(loaded, fewer, 2.0, work)
    assert len(again[0].tokens) == len(changed[0]) - changed[1]
    for place in range(1, len(fewer)):
        assert again[place].tokens.tobytes() == whole[place + 1].tokens.tobytes()
    kept = [np.load(path)["names"] for path in (tmp_path / "t").glob("*.npz")]
    assert sum(len(names) for names in kept) == len(fewer)
    warmer = taught_targets(loaded, fewer, 3.0, work)
    assert warmer[1].probabilities.tobytes() != again[1].probabilities.tobytes()


@pytest.mark.usefixtures("small_pieces")
def test_when_the_time_is_over_the_rest_has_none_and_a_resumed_run_the_same(
    loaded: LoadedModel, teachers: list[Tokens], tmp_path: Path
) -> None:
    over = [time.time() + 1e6]

    def on_progress(done: int, _: int) -> None:
        if done == 4:
            over[0] = 0.0

    class Clock:
        def __le__(self, other: float) -> bool:
            return over[0] <= other

    work = TargetWork(folder=tmp_path / "t", until=Clock(), on_progress=on_progress)  # type: ignore[arg-type]
    assert list(taught_targets(loaded, teachers, 2.0, work)) == [0, 1, 2, 3]
    later = TargetWork(folder=tmp_path / "t")
    assert list(taught_targets(loaded, teachers, 2.0, later)) == [0, 1, 2, 3]
    (tmp_path / "t" / "ended").write_bytes(b"\xff 12")
    assert len(taught_targets(loaded, teachers, 2.0, later)) == len(teachers)


def test_the_time_that_it_takes_can_be_told_before(
    loaded: LoadedModel, teachers: list[Tokens]
) -> None:
    assert expected_teaching_s(loaded, []) == 0
    assert expected_teaching_s(loaded, teachers * 100) > 0
