"""Fixtures of a run's parts on the tiny model, which tests of several packages share."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mlx_backend.dataset.samples import Dataset
from mlx_backend.exam import questions
from mlx_backend.library import Library
from mlx_backend.library.notes import Notes
from mlx_backend.protocol import TrainSpec
from mlx_backend.run import assessment
from mlx_backend.run.preparation import Preparation, prepare
from mlx_backend.study.by_model import writer
from mlx_backend.training.loop import LoopPlan, TrainingLoop
from tests.mlx_backend.studied import make_dataset
from tests.mlx_backend.training.recorder import Recorder

SHORT = 6  # tokens: what a random model says means as little at any length


def write_little(change: Callable[[object, str, object], None]) -> None:
    """Have the model write little in study and exams, where `change` sets each longest answer."""
    change(questions, "LONGEST_ANSWER", SHORT)
    for kind in ("QUESTION", "READING", "RESTATEMENT", "SUMMARY"):
        change(writer, f"_LONGEST_{kind}", SHORT)


@pytest.fixture(autouse=True)
def few_general_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    """The probe and the writer have tests of their own; here they only take time."""
    monkeypatch.setattr(assessment, "EVERY", 40)
    write_little(monkeypatch.setattr)


@pytest.fixture
def spec() -> TrainSpec:
    """A short run with dropout, so that randomness has a part in every step."""
    return TrainSpec(
        name="Garden",
        model="tiny",
        steps=8,
        rank=4,
        dropout=0.2,
        learning_rate=5e-3,
        seed=3,
        checkpoint_every=3,
    )


@pytest.fixture
def dataset(filled_library: Library, notes: Notes) -> Dataset:
    return make_dataset(notes, seed=0)


@pytest.fixture
def preparation(filled_library: Library, spec: TrainSpec, dataset: Dataset) -> Preparation:
    return prepare(filled_library, spec, dataset)


@pytest.fixture
def make_loop(
    filled_library: Library, spec: TrainSpec, dataset: Dataset
) -> Callable[[LoopPlan, Recorder], tuple[Preparation, TrainingLoop]]:
    """A loop with a model loaded anew, as a process of its own would have it."""

    def make(plan: LoopPlan, report: Recorder) -> tuple[Preparation, TrainingLoop]:
        fresh = prepare(filled_library, spec, dataset)
        loop = TrainingLoop(fresh.training, fresh.batches, fresh.held_out, plan, report)
        return fresh, loop

    return make


@pytest.fixture
def events() -> Recorder:
    return Recorder()
