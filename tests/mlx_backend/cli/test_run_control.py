"""Runs that wait: queued, paused or postponed; few tests, because each starts processes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlx_backend import locks, protocol
from mlx_backend.cli import run_control
from mlx_backend.cli.main import main
from mlx_backend.jobs import JobFolder
from mlx_backend.library import Library
from mlx_backend.protocol import TrainSpec
from mlx_backend.settings import load_settings
from tests.mlx_backend.cli.running import Json, Run


@pytest.fixture(autouse=True)
def no_run_outlives_its_test(
    library: Library, capsys: pytest.CaptureFixture[str]
) -> Iterator[None]:
    yield
    for folder in JobFolder.all(library.runs):
        if not folder.status().state.is_over:
            main(["stop", folder.id])


def listed(run: Run, run_id: object) -> Json:
    (row,) = [row for row in run("runs")["runs"] if row["id"] == run_id]
    return dict(row)


def wait_until_waiting(folder: JobFolder) -> None:
    while folder.status().waiting is None:
        time.sleep(0.02)
        assert not folder.status().state.is_over


def test_a_second_run_waits_for_its_turn(filled_library: Library, run: Run) -> None:
    with locks.held(filled_library.lane):
        queued = run("train", "--name", "Second", "--steps", 2, "--detach")
        assert queued["waiting"] == "turn"
        wait_until_waiting(JobFolder.find(filled_library.runs, queued["run"]))
        row = listed(run, queued["run"])
        assert row["waiting"] == "turn"
        assert row["why"] == "It starts when other work with a model is done."
    assert run("resume", queued["run"], code=1)["error"]["kind"] == "run_state"
    while (row := listed(run, queued["run"]))["status"] != "finished":
        time.sleep(0.05)
        assert row["status"] in ("starting", "running")
    assert row["waiting"] is None


def test_a_run_that_waits_for_its_time_can_be_paused_and_stopped(
    filled_library: Library, run: Run
) -> None:
    times = ("--start-at", "2990-01-01T23:00", "--finish-by", "2990-01-02T07:00")
    started = run("train", "--name", "Later", *times, "--detach")
    assert started["waiting"] == "time"
    spec = JobFolder.find(filled_library.runs, started["run"]).spec()
    assert isinstance(spec, TrainSpec)
    assert spec.start_at is not None
    assert spec.finish_by == spec.start_at + 8 * 3600
    assert spec.hours is None
    assert run("pause", started["run"])["status"] == "paused"
    assert listed(run, started["run"])["waiting"] == "paused"
    assert run("resume", started["run"], "--detach")["waiting"] == "time"
    assert run("stop", started["run"])["status"] == "stopped"
    assert run("pause", started["run"], code=1)["error"]["kind"] == "run_state"


def test_all_that_was_cut_short_goes_on(filled_library: Library, run: Run) -> None:
    def left(name: str, *events: protocol.JobEvent) -> JobFolder:
        spec = TrainSpec(name=name, model="tiny", steps=2, start_at=3.2e10)
        folder = JobFolder.create(filled_library.runs, spec)
        for event in (protocol.Launched(at=1.0), *events):
            folder.append(event)
        return folder

    killed = left("Killed", protocol.Started(pid=1))
    left("Stopped", protocol.Started(pid=1), protocol.Stopped())
    assert run("resume", "--waiting")["runs"] == [killed.id]
    wait_until_waiting(killed)
    assert run("resume", "--waiting")["runs"] == []


def test_only_what_a_person_lets_go_on_gets_more_time(
    library: Library, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def left(name: str) -> JobFolder:
        now = time.time()
        spec = TrainSpec(name=name, model="tiny", finish_by=now - 60)
        folder = JobFolder.create(library.runs, spec)
        folder.append(protocol.Launched(at=now - 3600))
        folder.append(protocol.Started(at=now - 3600, pid=1))
        return folder

    monkeypatch.setattr(run_control, "launch", lambda folder: None)
    by_itself = left("By itself")
    assert run("resume", "--waiting")["runs"] == [by_itself.id]
    by_hand = left("By hand")
    run("resume", by_hand.id, "--detach")
    assert not (by_itself.path / "overtime.json").exists()
    assert (by_hand.path / "overtime.json").exists()


def test_consent_is_kept_and_taken_back(
    library: Library, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    assert run("resume", "--after-restart", "on") == {"after_restart": True}
    assert load_settings(library.settings).go_on_after_restart
    assert list(tmp_path.rglob("*resume*"))
    assert run("resume", "--after-restart", "off") == {"after_restart": False}
    assert not load_settings(library.settings).go_on_after_restart
    assert not list(tmp_path.rglob("*resume*"))
