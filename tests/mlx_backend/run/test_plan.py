from __future__ import annotations

import shutil
import time
from typing import Any

import msgspec
import pytest

from mlx_backend.dataset.samples import Dataset
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.jobs.memory_ladder import ways_from
from mlx_backend.library import Library
from mlx_backend.library.models import CARD, ModelCard
from mlx_backend.machine.arrays import flatten
from mlx_backend.protocol import TrainSpec
from mlx_backend.run import plan as plan_module
from mlx_backend.run.memory_check import check_fit
from mlx_backend.run.plan import make_plan, plan_what_fits
from mlx_backend.run.preparation import Preparation, way_at_start
from mlx_backend.training.stop_requests import Check
from tests.mlx_backend.arrays import bits


def test_a_plan_measures_and_changes_nothing(
    preparation: Preparation, dataset: Dataset, spec: TrainSpec
) -> None:
    model = preparation.loaded.model
    before = bits(flatten(model.parameters()))
    plan = make_plan(spec, dataset, preparation, None)
    assert bits(flatten(model.parameters())) == before
    assert plan.steps == 8
    assert plan.notes == 3
    assert plan.samples == len(dataset.train)
    assert plan.held_out == len(dataset.held_out)
    assert plan.tokens_per_second > 0
    assert plan.peak_bytes > preparation.loaded.bytes
    assert plan.fits


@pytest.mark.parametrize("passes", [1, 5])
def test_steps_are_those_of_the_passes(
    preparation: Preparation, dataset: Dataset, spec: TrainSpec, passes: int
) -> None:
    asked = msgspec.structs.replace(spec, steps=None, passes=passes)
    plan = make_plan(asked, dataset, preparation, None)
    assert plan.steps == preparation.batches.steps(passes)


def test_the_night_limits_the_steps(
    preparation: Preparation, dataset: Dataset, spec: TrainSpec
) -> None:
    asked = msgspec.structs.replace(spec, steps=None, passes=100)
    assert make_plan(asked, dataset, preparation, time.time()).steps == 1


def test_a_slow_look_at_the_held_out_loss_does_not_take_all_of_a_short_night(
    preparation: Preparation, dataset: Dataset, spec: TrainSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = plan_module._Measured(step_s=1.0, evaluation_s=20.0, tokens=1.0, peak_bytes=0)
    monkeypatch.setattr(plan_module, "_measure", lambda *_: measured)
    asked = msgspec.structs.replace(spec, steps=None, passes=100)
    short = make_plan(asked, dataset, preparation, time.time() + 300)
    assert 1 < short.steps < 300
    assert 200 < short.minutes * 60 < 300


@pytest.mark.parametrize(
    ("gpu", "available"),
    [
        ({"free_memory": 5_000, "total_memory": 9_000}, 5_000),  # CUDA
        ({"max_recommended_working_set_size": 4_000}, 4_000),  # Metal
    ],
)
def test_what_a_gpu_has_is_asked_of_it(
    monkeypatch: pytest.MonkeyPatch, gpu: dict[str, int], available: int
) -> None:
    monkeypatch.setattr(plan_module, "has_gpu", lambda: True)
    monkeypatch.setattr("mlx.core.device_info", lambda: gpu)
    monkeypatch.setattr("mlx.core.get_active_memory", lambda: 0)
    monkeypatch.setattr("mlx.core.get_cache_memory", lambda: 0)
    assert plan_module.memory_available() == available


def test_what_does_not_fit_at_full_speed_is_computed_with_less_memory(
    preparation: Preparation, dataset: Dataset, spec: TrainSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = msgspec.structs.replace(spec, dropout=0.0)
    full = make_plan(plain, dataset, preparation, None)
    monkeypatch.setattr(plan_module, "memory_available", lambda: full.peak_bytes * 19 // 20)
    plan, chosen = plan_what_fits(plain, dataset, preparation, None)
    assert plan.fits
    assert plan.saves_to_fit
    assert plan.peak_bytes < full.peak_bytes
    assert chosen.way in ways_from(way_at_start(plain), plain.dropout)[1:]
    assert plan.memory_way == chosen.way
    assert plan.way == chosen.way.text


def test_what_fits_in_no_way_is_refused_with_advice(
    preparation: Preparation, dataset: Dataset, spec: TrainSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan_module, "memory_available", lambda: 1000)
    plan, _ = plan_what_fits(spec, dataset, preparation, None)
    assert not plan.fits
    assert plan.instead == ""
    with pytest.raises(OvernightError) as caught:
        check_fit(plan, waits=False)
    assert caught.value.kind is ErrorKind.NO_MEMORY
    assert "smaller base model" in caught.value.hint


def measure_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every way of computing takes the same memory each time; measured twice it may differ."""
    real, known = plan_module._measure, {}

    def measure(preparation: Preparation, check: Check) -> Any:
        if preparation.way not in known:
            known[preparation.way] = real(preparation, check)
        return known[preparation.way]

    monkeypatch.setattr(plan_module, "_measure", measure)


def test_the_largest_base_model_that_would_fit_is_named(
    preparation: Preparation,
    dataset: Dataset,
    spec: TrainSpec,
    filled_library: Library,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    measure_once(monkeypatch)
    whole = preparation.loaded.info.card.parameters
    for name, share in (("least", 0.1), ("half", 0.5), ("nearly", 0.99), ("larger", 3.0)):
        folder = filled_library.models / name
        shutil.copytree(filled_library.models / "tiny", folder)
        card = msgspec.json.decode((folder / CARD).read_bytes(), type=ModelCard)
        other = msgspec.structs.replace(card, name=name, parameters=int(whole * share))
        (folder / CARD).write_bytes(msgspec.json.encode(other))
    monkeypatch.setattr(plan_module, "has_gpu", lambda: False)
    needed = plan_what_fits(spec, dataset, preparation, None)[0].peak_bytes
    monkeypatch.setattr(plan_module, "memory_available", lambda: needed // 5)
    least, _ = plan_what_fits(spec, dataset, preparation, None)
    free = least.peak_bytes - whole * 4 * 2 // 5
    monkeypatch.setattr(plan_module, "memory_available", lambda: free)
    plan, _ = plan_what_fits(spec, dataset, preparation, None)
    assert not plan.fits
    assert plan.instead == "half"
    with pytest.raises(OvernightError) as caught:
        check_fit(plan, waits=False)
    assert "'half', which would fit" in caught.value.hint
