from __future__ import annotations

import functools
import sqlite3
import threading
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot
from shiboken6 import delete

from app.library.background import Background
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.library import Library
from mlx_backend.library.database import connect


class Receiver(QObject):
    def __init__(self) -> None:
        super().__init__()
        self.got: list[object] = []

    def take(self, result: object) -> None:
        self.got.append(result)

    def take_named(self, name: str, result: object) -> None:
        self.got.append((name, result))


def unexpected(result: object) -> None:
    pytest.fail(f"delivered {result}")


@pytest.fixture
def background(library: Library, qtbot: QtBot) -> Iterator[Background]:
    background = Background(library.database)
    yield background
    background.close()


def test_works_elsewhere_and_delivers_here(background: Background, qtbot: QtBot) -> None:
    here = threading.current_thread()
    seen: list[tuple[bool, bool]] = []
    background.call(
        lambda _: threading.current_thread(),
        lambda there: seen.append((there is here, threading.current_thread() is here)),
    )
    qtbot.waitUntil(lambda: seen == [(False, True)])


def test_keeps_the_order(background: Background, qtbot: QtBot) -> None:
    receiver = Receiver()
    for number in range(50):
        background.call(functools.partial(lambda n, _: n, number), receiver.take)
    qtbot.waitUntil(lambda: receiver.got == list(range(50)))


def test_failure_comes_as_the_typed_error(background: Background, qtbot: QtBot) -> None:
    errors: list[OvernightError] = []

    def fail(db: sqlite3.Connection) -> None:
        db.execute("BEGIN IMMEDIATE")
        raise FileNotFoundError(2, "No such file", "/gone")

    background.call(fail, unexpected, errors.append)
    with qtbot.waitSignal(background.failed) as other:
        background.call(fail, unexpected)
    assert [errors[0].kind, other.args[0].kind] == [ErrorKind.PATH_MISSING] * 2
    # The transaction that the failure left open does not stand in the way.
    assert_can_write(background, qtbot)


def assert_can_write(background: Background, qtbot: QtBot) -> None:
    done: list[object] = []
    background.call(lambda db: db.executescript("BEGIN IMMEDIATE; COMMIT"), done.append)
    qtbot.waitUntil(lambda: len(done) == 1)


def test_result_for_someone_who_is_gone_is_dropped(background: Background, qtbot: QtBot) -> None:
    gate = threading.Event()
    gone, there = Receiver(), Receiver()
    background.call(lambda _: gate.wait(5), gone.take)
    background.call(lambda _: 1, functools.partial(gone.take_named, "x"))
    background.call(lambda _: 2, there.take)
    delete(gone)
    gate.set()
    qtbot.waitUntil(lambda: there.got == [2])
    assert gone.got == []


def test_closing_finishes_what_was_asked_for(library: Library, qtbot: QtBot) -> None:
    background = Background(library.database)
    receiver = Receiver()
    background.call(lambda db: db.execute("PRAGMA user_version").fetchone()[0], receiver.take)
    background.call(lambda db: db.execute("CREATE TABLE kept (x)"), receiver.take)
    background.close()
    background.close()
    assert connect(library.database).execute("SELECT count(*) FROM kept").fetchone()[0] == 0
    qtbot.wait(1)
    assert receiver.got == []


def test_library_that_cannot_be_opened_fails_each_call(library: Library, qtbot: QtBot) -> None:
    library.database.write_bytes(b"this is no database" * 100)
    background = Background(library.database)
    errors: list[OvernightError] = []
    background.call(lambda _: None, unexpected, errors.append)
    qtbot.waitUntil(lambda: len(errors) == 1)
    background.close()
    assert errors[0].kind is ErrorKind.LIBRARY_DAMAGED


class Failing:
    """Work that fails as often as it is told to."""

    def __init__(self, times: int) -> None:
        self.times = times
        self.done: list[int] = []

    def do(self, number: int, _: sqlite3.Connection) -> int:
        if self.times:
            self.times -= 1
            raise OSError(28, "No space left on device")
        self.done.append(number)
        return number


def test_what_is_kept_is_tried_until_it_succeeds(background: Background, qtbot: QtBot) -> None:
    work, told = Failing(3), Receiver()
    failures: list[OvernightError] = []
    background.behind.connect(failures.append)
    background._again.setInterval(1)
    background.keep("draft", functools.partial(work.do, 1), told.take)
    with qtbot.waitSignal(background.recovered):
        background.keep("draft", functools.partial(work.do, 2), told.take)
    assert 1 not in work.done or work.done == [1, 2]
    assert told.got[-1] == 2
    assert failures
    assert all("kept here" in error.hint for error in failures)


def test_what_succeeds_at_once_recovers_from_nothing(background: Background, qtbot: QtBot) -> None:
    recovered: list[None] = []
    background.recovered.connect(lambda: recovered.append(None))
    work, told = Failing(0), Receiver()
    background.keep("draft", functools.partial(work.do, 1), told.take)
    qtbot.waitUntil(lambda: told.got == [1])
    assert recovered == []


def test_closing_tries_once_more(background: Background, qtbot: QtBot) -> None:
    work = Failing(1)
    with qtbot.waitSignal(background.behind):
        background.keep("draft", functools.partial(work.do, 1))
    background.close()
    assert work.done == [1]


def test_what_can_never_succeed_is_tried_once_and_told(
    background: Background, qtbot: QtBot
) -> None:
    tried: list[None] = []
    told: list[OvernightError] = []

    def work(_: sqlite3.Connection) -> None:
        tried.append(None)
        raise OvernightError(ErrorKind.BAD_INPUT, "It is gone.")

    background._again.setInterval(1)
    background.keep("gone", work, unexpected, told.append)
    with qtbot.waitSignal(background.failed):
        background.keep("gone too", work, unexpected)
    passing = Failing(1)
    with qtbot.waitSignal(background.recovered):  # nothing that is hopeless is waited for
        background.keep("draft", functools.partial(passing.do, 1))
    assert len(tried) == 2
    assert [error.message for error in told] == ["It is gone."]
