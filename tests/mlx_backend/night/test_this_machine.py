from __future__ import annotations

import pytest

from mlx_backend.jobs.folder import JobFolder
from mlx_backend.library import Library
from mlx_backend.locks import held
from mlx_backend.night import conditions
from mlx_backend.night.conditions import Condition
from mlx_backend.night.strain import Strain
from mlx_backend.night.this_machine import services_of_this_machine
from mlx_backend.protocol import NO_PATIENCE, Patience, TrainSpec


@pytest.fixture
def folder(library: Library) -> JobFolder:
    return JobFolder.create(library.runs, spec())


def spec(patience: Patience = NO_PATIENCE) -> TrainSpec:
    return TrainSpec(name="Notes", model="starter", patience=patience)


def test_a_run_takes_its_turn(library: Library, folder: JobFolder) -> None:
    night = services_of_this_machine(library, folder, spec())
    assert night.turn() is None
    with held(library.lane):
        assert night.turn() is not None


def test_a_run_waits_for_what_the_person_chose(
    library: Library, folder: JobFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    unplugged = Condition("battery", "No power.", lambda: Strain.MUCH, lasts=1, gone=1)
    monkeypatch.setattr(conditions, "BATTERY", unplugged)
    patient = Patience(when_hot=False, when_memory_is_short=False)
    waiting = services_of_this_machine(library, folder, spec(patient)).obstacle()
    assert waiting is not None
    assert waiting.reason == "battery"
    assert services_of_this_machine(library, folder, spec()).obstacle() is None


def test_energy_is_told_with_how_it_is_known(library: Library, folder: JobFolder) -> None:
    night = services_of_this_machine(library, folder, spec())
    with night.awake_while_computing():
        assert night.obstacle() is None
    used = night.energy()
    assert used is not None
    watt_hours, how = used
    assert watt_hours >= 0
    assert how
