"""What a supervisor waits for: a pause, the machine, its turn, memory, the disk."""

from __future__ import annotations

import errno
import json
import os
import shutil
import sys
from dataclasses import replace
from typing import Any

import pytest

from mlx_backend import protocol
from mlx_backend.jobs import JobFolder, JobState, memory_wait, wait_reasons
from mlx_backend.jobs.memory import MemoryLook
from mlx_backend.protocol import Waiting
from tests.mlx_backend.jobs.supervised import (
    FASTEST,
    FINISH,
    MLP,
    Act,
    Night,
    at_work,
    meanwhile,
    told,
    waits,
    ways_noted,
)


def test_a_pause_saves_and_waits(folder: JobFolder, night: Night, supervise: Any) -> None:
    with meanwhile(
        at_work(folder),
        folder.request_pause,
        lambda: waits(folder) == ["paused"],
        folder.clear_pause,
    ):
        end = supervise([("wait for stop",)], [FINISH])
    assert isinstance(end, protocol.Finished)
    assert waits(folder) == ["paused"]
    assert len(told(folder, protocol.WaitOver)) == 1
    assert night.awake == ["awake", "may sleep"] * 2  # while it waits the machine may sleep


def test_a_stop_ends_a_pause(folder: JobFolder, supervise: Any) -> None:
    folder.request_pause()
    with meanwhile(lambda: waits(folder) == ["paused"], folder.request_stop):
        end = supervise()
    assert isinstance(end, protocol.Stopped)
    assert not folder.pause_requested()


def test_an_obstacle_on_the_way_is_waited_out(
    folder: JobFolder, night: Night, supervise: Any
) -> None:
    battery = Waiting(reason="battery", text="On battery.")
    with meanwhile(
        at_work(folder),
        lambda: setattr(night, "obstacle", battery),
        lambda: waits(folder) == ["battery"],
        lambda: setattr(night, "obstacle", None),
    ):
        end = supervise([("wait for stop",)], [FINISH])
    assert isinstance(end, protocol.Finished)
    assert folder.status().waiting is None


def test_a_run_waits_for_its_turn(folder: JobFolder, night: Night, supervise: Any) -> None:
    night.turn = Waiting(reason="turn", text="Another comes first.")
    with meanwhile(lambda: waits(folder) == ["turn"], lambda: setattr(night, "turn", None)):
        end = supervise([FINISH])
    assert isinstance(end, protocol.Finished)
    # A machine that sleeps would miss it.
    assert night.awake == ["ready", "ready no longer", "awake", "may sleep"]


def test_a_machine_that_waits_for_its_battery_may_sleep(
    folder: JobFolder, night: Night, supervise: Any
) -> None:
    night.obstacle = Waiting(reason="battery", text="On its battery.")
    with meanwhile(lambda: waits(folder) == ["battery"], lambda: setattr(night, "obstacle", None)):
        supervise([FINISH])
    assert night.awake == ["awake", "may sleep"]


def test_a_run_whose_folder_is_taken_away_ends(
    folder: JobFolder, night: Night, supervise: Any
) -> None:
    night.turn = Waiting(reason="turn", text="Another comes first.")
    with meanwhile(lambda: waits(folder) == ["turn"], lambda: shutil.rmtree(folder.path)):
        assert supervise([FINISH]) is None
    assert not folder.path.exists()


def test_when_the_system_goes_down_the_run_is_cut_short_and_not_stopped(
    folder: JobFolder, supervise: Any
) -> None:
    with meanwhile(at_work(folder)):
        end = supervise([("save", 9), ("wait for stop",)], leave=at_work(folder))
    assert end is None
    status = folder.status()
    assert status.state is JobState.INTERRUPTED
    assert any("Step 9 is saved" in text for text in status.notices)


def test_memory_that_others_have_is_waited_for(
    folder: JobFolder, night: Night, supervise: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = [1_000]
    look = MemoryLook(available=1_000, total=10_000)
    monkeypatch.setattr(memory_wait, "look_at_memory", lambda: replace(look, available=free[0]))
    with meanwhile(lambda: waits(folder) == ["memory"], lambda: free.__setitem__(0, 5_000)):
        end = supervise([("want memory", 5_000)], *[[("want memory", 2_000)]] * 5, [FINISH])
    assert isinstance(end, protocol.Finished)
    assert [event.needed_bytes for event in told(folder, Waiting)] == [5_000, *[2_000] * 5]
    assert len(told(folder, protocol.WaitOver)) == 6
    assert told(folder, protocol.AttemptEnded) == []
    assert night.notes == ["It needs it.", "Garden is ready. Chat with it."]
    # What others have may come back by itself; a machine that sleeps would miss it.
    assert night.awake[:4] == ["awake", "may sleep", "ready", "ready no longer"]


def test_memory_that_stays_short_is_done_without(
    folder: JobFolder, supervise: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_wait, "look_at_memory", lambda: MemoryLook(1_000, 10_000))
    monkeypatch.setattr(memory_wait, "_PATIENCE_FOR_SPEED_S", 0.1)
    refused: Act = ("want memory", 5_000, True)
    end = supervise([refused], [("note the way",), refused], [("note the way",), FINISH])
    assert isinstance(end, protocol.Finished)
    assert ways_noted(folder) == [FASTEST, MLP]
    assert waits(folder) == ["memory"]
    assert any("slower way" in text for text in folder.status().notices)


def test_after_progress_memory_is_waited_for_anew(
    folder: JobFolder, supervise: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_wait, "look_at_memory", lambda: MemoryLook(9_000, 10_000))
    refused: Act = ("want memory", 5_000, True)
    supervise([refused], [("save", 2), ("abort",)], [refused], [("note the way",), FINISH])
    assert ways_noted(folder) == [FASTEST]


def test_a_stop_ends_the_wait_for_memory(
    folder: JobFolder, supervise: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_wait, "look_at_memory", lambda: MemoryLook(1_000, 10_000))
    with meanwhile(lambda: waits(folder) == ["memory"], folder.request_stop):
        end = supervise([("want memory", 5_000)])
    assert isinstance(end, protocol.Stopped)


def test_a_full_disk_is_waited_for_as_long_as_it_takes(
    folder: JobFolder, night: Night, supervise: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([False, False, False, True] * 6)
    monkeypatch.setattr(wait_reasons, "has_room", lambda *given: next(answers))
    full: list[Act] = [("fail", "disk_full", "Traceback")]
    end = supervise(*[full] * 6, [FINISH])  # more often than it would try otherwise
    assert isinstance(end, protocol.Finished)
    assert waits(folder) == ["disk"] * 6
    assert len(night.notes) == 7
    assert "MB" in night.notes[0]


def test_any_error_on_a_disk_that_takes_nothing_is_the_disks(
    folder: JobFolder, supervise: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = iter([False, True])
    monkeypatch.setattr(wait_reasons, "has_room", lambda *given: next(room))
    end = supervise([("fail", "unreadable", "readonly database")], [FINISH])
    assert isinstance(end, protocol.Finished)
    assert [event.ending for event in told(folder, protocol.AttemptEnded)] == ["disk full"]


def test_a_log_that_cannot_be_written_ends_nothing(
    folder: JobFolder, supervise: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    append, refusals = JobFolder.append, [True] * 4

    def refuse(self: JobFolder, event: protocol.JobEvent) -> None:
        if refusals:
            refusals.pop()
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        append(self, event)

    monkeypatch.setattr(JobFolder, "append", refuse)
    assert isinstance(supervise([("abort",)], [FINISH]), protocol.Finished)
    assert folder.status().state is JobState.FINISHED
    assert len(told(folder, protocol.Started)) == 2


def test_energy_is_added_up_over_processes(folder: JobFolder, night: Night, supervise: Any) -> None:
    folder.append(protocol.EnergyUsed(watt_hours=10.0, how="before"))
    night.energy = (2.5, "measured")
    end = supervise([FINISH])
    assert isinstance(end, protocol.Finished)
    assert end.result == {"adapter": "Garden", "watt_hours": 12.5, "energy_how": "measured"}
    assert folder.status().watt_hours == 12.5
    assert json.loads((folder.path / "report.json").read_text()) == end.result


def test_it_never_loads_the_model_libraries() -> None:
    import subprocess

    code = (
        "import sys, mlx_backend.job, mlx_backend.jobs.supervisor;"
        "print({'mlx', 'numpy', 'transformers', 'PySide6'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
