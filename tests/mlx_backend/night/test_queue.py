from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from mlx_backend.jobs.folder import JobFolder
from mlx_backend.library import Library
from mlx_backend.locks import held
from mlx_backend.night.queue import Queue, place
from mlx_backend.protocol import (
    Event,
    ExportSpec,
    Patience,
    Started,
    TrainSpec,
    Waiting,
    WaitOver,
    WaitReason,
)

NOW = 1_795_557_600.0  # 2026-11-24 22:00 UTC
EARLIEST, EARLIER, MINE, LATER = (
    f"20261124-2{minute}000-000aaaaaaaa" for minute in ("00", "01", "02", "03")
)
IGNORES_BATTERY = Patience(on_battery=False)


@pytest.fixture
def alive() -> Iterator[ExitStack]:
    """Locks that stand for processes: closing it ends them."""
    with ExitStack() as stack:
        yield stack


Begin = Callable[..., JobFolder]


@pytest.fixture
def begin(library: Library, alive: ExitStack) -> Begin:
    """Puts a run with a living process into the library."""

    def begin(
        run_id: str, name: str, *events: Event, start_at: float | None = None, lives: bool = True
    ) -> JobFolder:
        spec = TrainSpec(name=name, model="starter", start_at=start_at)
        folder = JobFolder.create(library.runs, spec, run_id)
        for event in (Started(pid=1), *events):
            folder.append(event)  # type: ignore[arg-type]
        if lives:
            alive.enter_context(held(folder.path / "lock"))
        return folder

    return begin


@pytest.fixture
def queue(library: Library) -> Queue:
    return queue_of(library)


def queue_of(
    library: Library, start_at: float | None = None, patience: Patience | None = None
) -> Queue:
    spec = TrainSpec(
        name="mine", model="starter", start_at=start_at, patience=patience or Patience()
    )
    return Queue(library, JobFolder.create(library.runs, spec, MINE), spec, lambda: NOW)


def waits(reason: WaitReason) -> Waiting:
    return Waiting(reason=reason, text="")


def test_alone_it_is_its_turn(queue: Queue) -> None:
    assert queue.turn() is None


def test_it_waits_for_the_run_that_holds_the_lane(
    library: Library, queue: Queue, begin: Begin
) -> None:
    begin(LATER, "the other")
    with held(library.lane):
        waiting = queue.turn()
    assert waiting is not None
    assert waiting.reason == "turn"
    assert waiting.text == "It starts when 'the other' is done."
    assert queue.turn() is None, "the lane is free, and the other came later"


def test_it_waits_for_whatever_holds_the_lane(library: Library, queue: Queue) -> None:
    with held(library.lane):
        waiting = queue.turn()
    assert waiting is not None
    assert waiting.text == "It starts when other work with a model is done."


def test_who_came_first_goes_first(queue: Queue, begin: Begin) -> None:
    begin(LATER, "later", waits("turn"))
    begin(EARLIER, "earlier", waits("turn"))
    waiting = queue.turn()
    assert waiting is not None
    assert waiting.text == "It starts when 'earlier' is done."


def test_a_run_between_two_tries_keeps_its_turn(queue: Queue, begin: Begin) -> None:
    begin(EARLIER, "earlier", waits("turn"), WaitOver())
    assert queue.turn() is not None


def test_several_come_first(queue: Queue, begin: Begin) -> None:
    begin(EARLIER, "second", waits("turn"))
    begin(EARLIEST, "first", waits("turn"))
    waiting = queue.turn()
    assert waiting is not None
    assert waiting.text == "It starts when 2 other runs are done; 'first' is next."


def test_a_run_that_waits_for_its_time_blocks_nobody(queue: Queue, begin: Begin) -> None:
    begin(EARLIER, "tomorrow", waits("time"), start_at=NOW + 3600)
    assert queue.turn() is None


def test_a_dead_process_blocks_nobody(queue: Queue, begin: Begin) -> None:
    begin(EARLIER, "cut short", lives=False)
    assert queue.turn() is None


@pytest.mark.parametrize("ask", [JobFolder.request_pause, JobFolder.request_stop])
def test_who_is_asked_to_pause_or_stop_blocks_nobody(
    queue: Queue, begin: Begin, ask: Callable[[JobFolder], None]
) -> None:
    ask(begin(EARLIER, "earlier", waits("turn")))
    assert queue.turn() is None


def test_a_paused_run_that_goes_on_has_its_place_again(queue: Queue, begin: Begin) -> None:
    folder = begin(EARLIER, "earlier", waits("paused"))
    folder.request_pause()
    assert queue.turn() is None
    folder.clear_pause()
    folder.append(waits("turn"))
    assert queue.turn() is not None


@pytest.mark.parametrize("reason", ["battery", "heat", "memory", "disk"])
def test_what_hinders_both_changes_no_order(queue: Queue, begin: Begin, reason: WaitReason) -> None:
    begin(EARLIER, "earlier", waits(reason))
    assert queue.turn() is not None


def test_who_fits_beside_other_programs_goes_past_who_does_not(queue: Queue, begin: Begin) -> None:
    begin(EARLIER, "large", Waiting(reason="memory", text="It is large.", needed_bytes=10**10))
    assert queue.turn() is None


def test_who_does_not_mind_goes_past(library: Library, begin: Begin) -> None:
    begin(EARLIER, "earlier", waits("battery"))
    assert queue_of(library, patience=IGNORES_BATTERY).turn() is None


def test_it_waits_for_its_own_time(library: Library) -> None:
    waiting = queue_of(library, start_at=NOW + 60).turn()
    assert waiting is not None
    assert (waiting.reason, waiting.until) == ("time", NOW + 60)


def test_from_its_time_on_it_waits_behind_those_who_came_before(
    library: Library, begin: Begin
) -> None:
    begin(LATER, "later", waits("turn"))
    assert queue_of(library, start_at=NOW - 60).turn() is not None


@pytest.mark.parametrize("damage", [b"", b"{", b"\xff\xfe", b"null"])
def test_a_damaged_run_blocks_nobody(queue: Queue, begin: Begin, damage: bytes) -> None:
    (begin(EARLIER, "earlier", waits("turn")).path / "spec.json").write_bytes(damage)
    assert queue.turn() is None


def test_what_is_no_run_blocks_nobody(library: Library, queue: Queue, alive: ExitStack) -> None:
    export = JobFolder.create(library.runs, ExportSpec(name="a", format="mlx", to="/b"), EARLIER)
    alive.enter_context(held(export.path / "lock"))
    assert queue.turn() is None


def test_places() -> None:
    spec = TrainSpec(name="a", model="starter")
    evening = TrainSpec(name="a", model="starter", start_at=NOW + 9000)
    assert place(EARLIER, spec) < place(MINE, spec) < place(LATER, evening)
    assert place(LATER, spec) < place(EARLIER, evening)
    assert place("20261124-220000", spec)[0] == NOW
    assert place("odd", spec) < place(EARLIEST, spec)
