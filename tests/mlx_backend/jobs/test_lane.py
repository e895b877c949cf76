"""Work with a model takes turns with runs that train."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from mlx_backend import protocol
from mlx_backend.jobs import JobFolder
from mlx_backend.jobs import lane as lane_module
from mlx_backend.jobs.lane import Turn, in_the_lane
from mlx_backend.library import Library
from mlx_backend.library.models import read_model
from mlx_backend.locks import FileLock, held, is_held


class Ended(Exception):
    """What a wait was ended with."""


def released_when_told(library: Library, told: list[protocol.JobEvent]) -> Callable[[], None]:
    """Holds the lane until somebody says that they wait for it; returns what ends that thread."""
    lock = FileLock(library.lane)
    assert lock.acquire()

    def release() -> None:
        while not told:
            time.sleep(0.01)
        lock.release()

    thread = threading.Thread(target=release)
    thread.start()
    return thread.join


def test_a_free_lane_is_held_for_the_block_and_nobody_is_told(library: Library) -> None:
    told: list[protocol.JobEvent] = []
    with in_the_lane(library, Turn(told.append)):
        assert is_held(library.lane)
    assert not is_held(library.lane)
    assert told == []


def test_it_waits_for_a_run_that_trains_and_says_so(library: Library) -> None:
    told: list[protocol.JobEvent] = []
    run = JobFolder.create(library.runs, protocol.TrainSpec(name="Notes", model="tiny"))
    run.append(protocol.Launched())
    with held(run.path / "lock"):
        join = released_when_told(library, told)
        with in_the_lane(library, Turn(told.append)):
            assert is_held(library.lane)
    join()
    waiting, over = told
    assert isinstance(waiting, protocol.Waiting)
    assert (waiting.reason, waiting.text) == ("turn", "It waits for the training to finish.")
    assert isinstance(over, protocol.WaitOver)


def test_a_run_that_waits_itself_is_not_what_is_waited_for(library: Library) -> None:
    told: list[protocol.JobEvent] = []
    run = JobFolder.create(library.runs, protocol.TrainSpec(name="Notes", model="tiny"))
    run.append(protocol.Launched())
    run.append(protocol.Waiting(reason="time", text="It starts at 23:00."))
    with held(run.path / "lock"):
        join = released_when_told(library, told)
        with in_the_lane(library, Turn(told.append)):
            pass
    join()
    assert isinstance(told[0], protocol.Waiting)
    assert told[0].text == "It waits for other work with a model to finish."


def test_the_wait_ends_when_a_stop_is_asked_for(library: Library) -> None:
    def stop() -> None:
        raise Ended

    with held(library.lane), pytest.raises(Ended), in_the_lane(library, Turn(stop_if_asked=stop)):
        raise AssertionError("another one holds the lane")
    with held(library.lane) as taken:
        assert taken


def test_where_the_model_does_not_fit_others_are_asked_for_their_memory(
    tiny_library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    needed = read_model(tiny_library.models, "tiny").fit.chat_bytes
    free = [needed - 1]
    monkeypatch.setattr(lane_module, "available_memory", lambda: free[0])
    told: list[protocol.JobEvent] = []

    def tell(event: protocol.JobEvent) -> None:
        told.append(event)
        free[0] = needed  # the chat gave its own

    with in_the_lane(tiny_library, Turn(tell, asks_for_memory=True), "tiny"):
        assert is_held(tiny_library.lane)
    waiting, over = told
    assert isinstance(waiting, protocol.Waiting)
    assert (waiting.reason, waiting.needed_bytes) == ("memory", needed)
    assert isinstance(over, protocol.WaitOver)


def test_it_goes_on_where_nobody_gives_memory(
    tiny_library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane_module, "available_memory", lambda: 0)
    monkeypatch.setattr(lane_module, "_ROOM_PATIENCE_S", 0.0)
    told: list[protocol.JobEvent] = []
    with in_the_lane(tiny_library, Turn(told.append, asks_for_memory=True), "tiny"):
        assert is_held(tiny_library.lane)
    assert [type(event) for event in told] == [protocol.Waiting, protocol.WaitOver]


def test_a_command_that_nobody_gives_memory_neither_waits_for_it_nor_says_so(
    tiny_library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane_module, "available_memory", lambda: 0)
    told: list[protocol.JobEvent] = []
    with in_the_lane(tiny_library, Turn(told.append), "tiny"):
        assert is_held(tiny_library.lane)
    assert told == []


def test_a_model_that_is_gone_is_left_for_its_loading_to_say(tiny_library: Library) -> None:
    with in_the_lane(tiny_library, Turn(asks_for_memory=True), "nobody"):
        assert is_held(tiny_library.lane)
