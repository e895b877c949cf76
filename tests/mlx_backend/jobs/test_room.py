"""The server leaves the memory to runs that need it."""

from __future__ import annotations

import pytest

from mlx_backend import protocol
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.jobs import JobFolder
from mlx_backend.jobs.room import Room
from mlx_backend.library import Library
from mlx_backend.library.models import read_model
from mlx_backend.locks import held
from mlx_backend.protocol import TrainSpec, Turn, Waiting
from mlx_backend.serving.asks import AskQueue
from mlx_backend.serving.model_names import Answerer
from mlx_backend.serving.owner import ModelOwner

TURNS = (Turn(role="user", text="Who lit the lamp?"),)


def size(library: Library) -> int:
    need = read_model(library.models, "tiny").fit.chat_bytes
    assert need > 0
    return need


def waiting_run(library: Library, needed: int) -> JobFolder:
    folder = JobFolder.create(library.runs, TrainSpec(name="Notes", model="tiny"))
    folder.append(protocol.Launched())
    folder.append(Waiting(reason="memory", text="", needed_bytes=needed))
    return folder


def is_refused(room: Room) -> bool:
    try:
        room.check("tiny")
    except OvernightError as error:
        return error.kind is ErrorKind.BUSY and "GB" in error.message
    return False


def test_a_model_that_fits_beside_a_run_may_be_loaded(tiny_library: Library) -> None:
    need = size(tiny_library)
    assert not is_refused(Room(tiny_library, lambda: 0))
    with held(tiny_library.lane):
        assert is_refused(Room(tiny_library, lambda: need - 1))
        assert not is_refused(Room(tiny_library, lambda: need))


def test_no_model_is_loaded_into_what_a_run_waits_for(tiny_library: Library) -> None:
    need = size(tiny_library)
    run = waiting_run(tiny_library, needed=1000)
    free = [0]
    room = Room(tiny_library, lambda: free[0])
    assert not is_refused(room)  # its process is dead
    with held(run.path / "lock"):
        assert is_refused(room)
        free[0] = need + 999
        assert is_refused(room)
        free[0] = need + 1000
        assert not is_refused(room)
        free[0] = 0
        run.append(protocol.WaitOver())
        assert not is_refused(room)


def test_a_run_that_waits_gets_the_server_s_memory_where_that_is_enough(
    tiny_library: Library,
) -> None:
    run = waiting_run(tiny_library, needed=1000)
    room = Room(tiny_library, lambda: 400)
    with held(run.path / "lock"):
        assert room.is_wanted(600)
        assert not room.is_wanted(599)
        assert not room.is_wanted(0)
    assert not room.is_wanted(600)


def test_the_model_is_let_go_for_a_run_and_when_nobody_asks(tiny_library: Library) -> None:
    now = [0.0]
    owner = ModelOwner(
        tiny_library, AskQueue(1), Room(tiny_library, lambda: 400), clock=lambda: now[0]
    )
    owner.warm_up(Answerer("tiny"))
    owner.give_room()
    assert owner.held_bytes > 0
    run = waiting_run(tiny_library, needed=1000)
    with held(run.path / "lock"):
        owner.give_room()
        assert owner.held_bytes > 0  # it was looked a moment ago
        now[0] += 6
        owner.give_room()
        assert owner.held_bytes == 0
        with pytest.raises(OvernightError, match="A run or other work needs the memory"):
            owner.warm_up(Answerer("tiny"))
    owner.warm_up(Answerer("tiny"))
    now[0] += 599
    owner.give_room()
    assert owner.held_bytes > 0
    now[0] += 6
    owner.give_room()
    assert owner.held_bytes == 0
