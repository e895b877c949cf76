"""A supervisor and processes that end in every way; the real training is tested elsewhere."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest

from mlx_backend import protocol
from mlx_backend.jobs import JobFolder, JobState, memory_wait, wait_reasons
from mlx_backend.jobs.machine_services import MachineServices
from mlx_backend.jobs.memory import MemoryLook
from mlx_backend.jobs.memory_ladder import (
    MemoryWay,
    first_way,
    read_limit,
    read_way,
    ways_from,
    write_computed_way,
    write_way,
)
from mlx_backend.jobs.supervisor import Persistence, Supervisor
from mlx_backend.library import Library
from mlx_backend.protocol import TrainSpec, Waiting
from tests.mlx_backend.jobs.acting_process import GPU_TIMEOUT, OUT_OF_MEMORY

Act = tuple[Any, ...]
_E = TypeVar("_E", bound=protocol.Event)

QUICK = Persistence(rests=(0.0,), memory_rests=(0.02,), poll=0.01, look=0.0)
_COMMAND = (sys.executable, "-S", str(Path(__file__).with_name("acting_process.py")))
_PATIENCE_S = 60

FASTEST, MLP, LAYER, ROW_BY_ROW, THRIFTIEST = ways_from(first_way(2048, 0.0), 0.0)

FINISH: Act = ("finish",)
OOM: list[Act] = [("note the way",), ("print", OUT_OF_MEMORY), ("abort",)]
TIMEOUT: list[Act] = [("note the way",), ("print", GPU_TIMEOUT), ("abort",)]


@dataclass
class Night:
    """The machine of a test: why to wait now, and what the person was told."""

    obstacle: Waiting | None = None
    turn: Waiting | None = None
    energy: tuple[float, str] | None = None
    awake: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def services(self) -> MachineServices:
        return MachineServices(
            obstacle=lambda: self.obstacle,
            turn=lambda: self.turn,
            awake_while_computing=self._keep_awake,
            awake_while_waiting=self._keep_ready,
            energy=lambda: self.energy,
            notify=lambda title, text: self.notes.append(text),
        )

    @contextlib.contextmanager
    def _keep_awake(self) -> Iterator[None]:
        self.awake.append("awake")
        yield
        self.awake.append("may sleep")

    @contextlib.contextmanager
    def _keep_ready(self) -> Iterator[None]:
        self.awake.append("ready")
        yield
        self.awake.append("ready no longer")


@pytest.fixture
def folder(library: Library) -> JobFolder:
    folder = JobFolder.create(library.runs, TrainSpec(name="Garden", model="tiny"))
    folder.append(protocol.Launched())
    write_computed_way(folder, FASTEST)  # as the training does before anything else
    return folder


@pytest.fixture
def night() -> Night:
    return Night()


@pytest.fixture
def supervise(folder: JobFolder, night: Night) -> Callable[..., protocol.JobEvent | None]:
    """Runs a supervisor over attempts with these acts, to the end."""

    def run(*attempts: list[Act], **changes: Any) -> protocol.JobEvent | None:
        (folder.path / "acts.json").write_text(json.dumps(attempts))
        return Supervisor(
            folder,
            night.services(),
            leave=changes.pop("leave", lambda: False),
            persistence=replace(QUICK, **changes),
            command=_COMMAND,
        ).run()

    return run


@contextlib.contextmanager
def meanwhile(*acts: Callable[[], Any]) -> Iterator[None]:
    """Acts beside the supervisor: one that returns False is asked again until it does not."""

    def work() -> None:
        for act in acts:
            while act() is False:
                time.sleep(0.005)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    yield
    thread.join(_PATIENCE_S)
    assert not thread.is_alive(), "what was waited for did not come"


def told(folder: JobFolder, kind: type[_E]) -> list[_E]:
    return [event for event in folder.reader().read_new() if isinstance(event, kind)]


def waits(folder: JobFolder) -> list[str]:
    return [event.reason for event in told(folder, Waiting)]


def ways_noted(folder: JobFolder) -> list[MemoryWay]:
    lines = (folder.path / "ways").read_bytes().splitlines()
    return [msgspec.json.decode(line, type=MemoryWay) for line in lines]


def at_work(folder: JobFolder) -> Callable[[], bool]:
    return (folder.path / "at work").exists


def test_a_run_that_just_works(folder: JobFolder, night: Night, supervise: Any) -> None:
    end = supervise([("save", 5), FINISH])
    assert isinstance(end, protocol.Finished)
    status = folder.status()
    assert status.state is JobState.FINISHED
    assert status.result == {"adapter": "Garden"}
    assert told(folder, protocol.AttemptEnded) == []
    assert night.awake == ["awake", "may sleep"]
    assert night.notes == ["Garden is ready. Chat with it."]


ENDS: dict[str, tuple[list[Act], protocol.Ending]] = {
    "out of memory": (OOM, "out of memory"),
    "watchdog": (TIMEOUT, "gpu timeout"),
    "abort": ([("abort",)], "crash"),
    "fault": ([("fault",)], "crash"),
    "exit code": ([("exit", 3)], "crash"),
    "no word of its end": ([("garbage",)], "crash"),
    "kill": ([("be killed",)], "killed"),
    "a polite signal to it alone": ([("stop unasked",)], "killed"),
    "surprise": ([("fail", "internal", "Traceback")], "crash"),
    "memory error": ([("fail", "no_memory", "Traceback")], "out of memory"),
    "disk": ([("fail", "disk_full", "Traceback")], "disk full"),
}


@pytest.mark.parametrize("name", ENDS)
def test_after_a_bad_end_it_goes_on(folder: JobFolder, supervise: Any, name: str) -> None:
    acts, ending = ENDS[name]
    end = supervise([("save", 50), *acts], [FINISH])
    assert isinstance(end, protocol.Finished)
    (ended,) = told(folder, protocol.AttemptEnded)
    assert ended.ending == ending
    assert "saved last" in ended.text
    assert [event.resumed_from for event in told(folder, protocol.Started)] == [None, 50]
    assert folder.status().state is JobState.FINISHED


def test_three_tries_without_progress_are_enough(
    folder: JobFolder, night: Night, supervise: Any
) -> None:
    end = supervise([("print", "It broke here."), ("abort",)], [("abort",)], [("abort",)], [FINISH])
    assert isinstance(end, protocol.Failed)
    assert end.error.kind == "crashed"
    assert "3 times" in end.error.message
    assert end.error.hint
    status = folder.status()
    assert status.state is JobState.FAILED
    assert status.state.can_resume
    assert night.notes == [end.error.message]


def test_progress_earns_new_tries(folder: JobFolder, supervise: Any) -> None:
    abort: Act = ("abort",)
    attempts = [[abort], [abort], [("save", 1), abort], [abort], [abort], [("save", 2), abort]]
    end = supervise(*attempts, [abort], [abort], [FINISH])
    assert isinstance(end, protocol.Finished)
    assert len(told(folder, protocol.AttemptEnded)) == 8


@pytest.mark.parametrize(
    ("acts", "second"), [(OOM, MLP), (TIMEOUT, ROW_BY_ROW)], ids=["memory", "watchdog"]
)
def test_each_try_asks_for_less_and_the_last_for_least(
    folder: JobFolder, supervise: Any, acts: list[Act], second: MemoryWay
) -> None:
    end = supervise(acts, acts, acts)
    assert isinstance(end, protocol.Failed)
    assert ways_noted(folder) == [FASTEST, second, THRIFTIEST]


def test_bad_ends_with_progress_between_them_go_down_one_way_each(
    folder: JobFolder, supervise: Any
) -> None:
    supervise(*[[("save", step), *OOM] for step in (1, 2, 3)], [("note the way",), FINISH])
    assert ways_noted(folder) == [FASTEST, MLP, LAYER, ROW_BY_ROW]


def test_other_ends_change_nothing(folder: JobFolder, supervise: Any) -> None:
    supervise([("abort",)], [("note the way",), FINISH])
    assert ways_noted(folder) == [FASTEST]


@pytest.mark.parametrize("content", [None, b"{"], ids=["missing", "damaged"])
def test_a_way_that_is_not_known_stays_so(
    folder: JobFolder, supervise: Any, content: bytes | None
) -> None:
    path = folder.path / "computed_way.json"
    path.unlink() if content is None else path.write_bytes(content)
    assert isinstance(supervise([*OOM[1:]], [FINISH]), protocol.Finished)
    assert read_way(folder) is None


def test_a_bad_end_leads_below_the_way_that_was_computed(folder: JobFolder, supervise: Any) -> None:
    write_way(folder, MLP)
    write_computed_way(folder, LAYER)  # as a plan that did not fit in the faster way
    supervise(OOM, [FINISH])
    assert read_limit(folder) == ROW_BY_ROW
    assert read_way(folder) == ROW_BY_ROW


def test_a_bad_end_before_a_way_is_computed_leads_further(
    folder: JobFolder, supervise: Any
) -> None:
    write_way(folder, LAYER)  # after an earlier end; the attempt ended before it recorded this
    supervise(OOM, [FINISH])
    assert read_limit(folder) == ROW_BY_ROW


def test_without_a_bad_end_there_is_no_limit(folder: JobFolder, supervise: Any) -> None:
    supervise([("abort",)], [FINISH])
    assert read_limit(folder) is None


@pytest.mark.parametrize("kind", ["no_notes", "model_damaged", "no_memory", "no_learning"])
def test_what_will_not_get_better_is_not_tried_again(
    folder: JobFolder, supervise: Any, kind: str
) -> None:
    end = supervise([("fail", kind)], [FINISH])
    assert isinstance(end, protocol.Failed)
    assert (end.error.kind, end.error.hint) == (kind, "Mend it.")
    assert told(folder, protocol.AttemptEnded) == []


def test_the_processs_own_error_is_the_last_word(folder: JobFolder, supervise: Any) -> None:
    end = supervise(*[[("fail", "internal", "Traceback")]] * 3)
    assert isinstance(end, protocol.Failed)
    assert end.error.message == "It went wrong."


def test_another_run_that_was_quicker_is_waited_for(folder: JobFolder, supervise: Any) -> None:
    end = supervise(*[[("fail", "busy")]] * 5, [FINISH])
    assert isinstance(end, protocol.Finished)
    assert told(folder, protocol.AttemptEnded) == []


def test_a_stop_is_passed_on(folder: JobFolder, night: Night, supervise: Any) -> None:
    with meanwhile(at_work(folder), folder.request_stop):
        end = supervise([("save", 7), ("wait for stop",)])
    assert isinstance(end, protocol.Stopped)
    assert end.step == 7
    assert folder.status().state is JobState.STOPPED
    assert told(folder, protocol.AttemptEnded) == []
    assert night.notes == []


def test_a_process_that_does_not_stop_is_ended(folder: JobFolder, supervise: Any) -> None:
    with meanwhile(at_work(folder), folder.request_stop):
        end = supervise([("ignore the stop",)], stop=0.0)
    assert isinstance(end, protocol.Stopped)


def test_one_that_is_ended_for_a_pause_has_not_failed(folder: JobFolder, supervise: Any) -> None:
    def pauses(times: int) -> list[Callable[[], Any]]:
        return [
            at_work(folder),
            (folder.path / "at work").unlink,
            folder.request_pause,
            lambda: len(waits(folder)) == times,
            folder.clear_pause,
        ]

    with meanwhile(*pauses(1), *pauses(2), *pauses(3)):
        end = supervise(*[[("ignore the stop",)]] * 3, [FINISH], stop=0.0)
    assert isinstance(end, protocol.Finished)
    assert told(folder, protocol.AttemptEnded) == []


def test_a_process_that_hangs_after_its_last_word_is_not_waited_for(
    folder: JobFolder, supervise: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlx_backend.jobs.training_process._FAREWELL_S", 0.0)
    assert isinstance(supervise([("hang at the end",)]), protocol.Finished)


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
