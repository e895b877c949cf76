"""A supervisor and processes that end in every way; the real training is tested elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mlx_backend import protocol
from mlx_backend.jobs import JobFolder, JobState
from mlx_backend.jobs.memory_ladder import (
    MemoryWay,
    read_limit,
    read_way,
    write_computed_way,
    write_way,
)
from tests.mlx_backend.jobs.supervised import (
    FASTEST,
    FINISH,
    LAYER,
    MLP,
    OOM,
    ROW_BY_ROW,
    THRIFTIEST,
    TIMEOUT,
    Act,
    Night,
    at_work,
    meanwhile,
    told,
    waits,
    ways_noted,
)


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
