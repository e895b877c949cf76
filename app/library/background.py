"""Library work off the window's thread: one thread, one database connection, results by signal."""

from __future__ import annotations

import functools
import logging
import queue
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import shiboken6
from PySide6.QtCore import QObject, Qt, QTimer, Signal

from mlx_backend.errors import ErrorKind, OvernightError, from_exception
from mlx_backend.library.database import connect

PASSING = frozenset(
    (
        ErrorKind.DISK_FULL,
        ErrorKind.BUSY,
        ErrorKind.UNREADABLE,
        ErrorKind.PATH_MISSING,
        ErrorKind.NO_MEMORY,
    )
)
"""Errors that may be gone on a later try: a disconnected disk, for example, comes back."""

_AGAIN_MS = 5_000
_KEPT = "What you typed is kept here, and saved as soon as that is possible."

_log = logging.getLogger(__name__)
_T = TypeVar("_T")


@dataclass(frozen=True)
class _Task:
    work: Callable[[sqlite3.Connection], Any]
    done: Callable[[Any], None]
    failed: Callable[[OvernightError], None] | None


class Background(QObject):
    """Runs library work in order on a thread of its own and brings the results back.

    `done` and `failed` are called on the thread that this object lives on. Where they are
    methods of a Qt object that is gone by then, the result is dropped.
    """

    failed = Signal(object)
    """An OvernightError of work that has no `failed` of its own."""

    behind = Signal(object)
    """An OvernightError of work that is kept, and tried again and again until it succeeds."""

    recovered = Signal()
    """What could not be written for a while is on disk now."""

    _delivered = Signal(object, object)

    def __init__(self, database: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tasks: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self._closing = False
        self._kept: dict[str, _Task] = {}
        self._is_behind = False
        self._again = QTimer(self, singleShot=True, interval=_AGAIN_MS)
        self._again.timeout.connect(self._try_again)
        self._delivered.connect(self._deliver, Qt.ConnectionType.QueuedConnection)
        self._thread = threading.Thread(target=self._serve, args=(database,), daemon=True)
        self._thread.start()

    def call(
        self,
        work: Callable[[sqlite3.Connection], _T],
        done: Callable[[_T], None],
        failed: Callable[[OvernightError], None] | None = None,
    ) -> None:
        """Run `work` with the library's connection after all earlier work; then call back."""
        self._tasks.put(_Task(work, done, failed))

    def keep(
        self,
        key: str,
        work: Callable[[sqlite3.Connection], _T],
        done: Callable[[_T], None] = lambda _: None,
        failed: Callable[[OvernightError], None] | None = None,
    ) -> None:
        """Run `work` that saves what a person typed, and retry it while a passing error lasts.

        Another error ends it, and goes to `failed`. Later work of the same key takes the place of
        earlier work that has not succeeded.
        """
        self._kept[key] = task = _Task(work, done, failed)
        self._run_kept(key, task)

    @property
    def is_saving(self) -> bool:
        """Whether something that was typed is not on disk yet."""
        return bool(self._kept) and not self._closing

    def close(self) -> None:
        """Finish what was asked for, deliver nothing more, end the thread."""
        if not self._closing:
            self._closing = True
            if self._again.isActive():
                self._again.stop()
                self._try_again()
            self._tasks.put(None)
            self._thread.join()

    def _run_kept(self, key: str, task: _Task) -> None:
        done = functools.partial(self._take_kept, key, task)
        self.call(task.work, done, functools.partial(self._take_not_kept, key, task))

    def _take_kept(self, key: str, task: _Task, outcome: object) -> None:
        self._let_go(key, task)
        if _is_alive(task.done):
            task.done(outcome)

    def _take_not_kept(self, key: str, task: _Task, error: OvernightError) -> None:
        if error.kind not in PASSING:
            self._let_go(key, task)
            failed = task.failed or self.failed.emit
            if _is_alive(failed):
                failed(error)
        elif self._kept.get(key) is task:
            self._is_behind = True
            self._again.start()
            hint = f"{_KEPT} {error.hint}".strip()
            self.behind.emit(OvernightError(error.kind, error.message, hint, error.detail))

    def _let_go(self, key: str, task: _Task) -> None:
        if self._kept.get(key) is task:
            del self._kept[key]
        if self._is_behind and not self._kept:
            self._is_behind = False
            self._again.stop()
            self.recovered.emit()

    def _try_again(self) -> None:
        for key, task in list(self._kept.items()):
            self._run_kept(key, task)

    def _serve(self, database: Path) -> None:
        connection: sqlite3.Connection | None = None
        while (task := self._tasks.get()) is not None:
            try:
                connection = connection or connect(database)
                outcome, callback = task.work(connection), task.done
            except Exception as error:
                outcome = from_exception(error)
                _log.warning("background work failed: %s\n%s", outcome.message, outcome.detail)
                callback = task.failed or self.failed.emit
                if connection is not None and connection.in_transaction:
                    connection.rollback()
            if not self._closing:
                self._delivered.emit(callback, outcome)
        if connection is not None:
            connection.close()

    def _deliver(self, callback: Callable[[Any], None], outcome: object) -> None:
        if not self._closing and _is_alive(callback):
            callback(outcome)


def _is_alive(callback: Callable[[Any], None]) -> bool:
    while isinstance(callback, functools.partial):
        callback = callback.func
    receiver = getattr(callback, "__self__", None)
    return not isinstance(receiver, QObject) or shiboken6.isValid(receiver)
