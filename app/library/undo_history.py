"""What was done in the window and can be undone, whichever page it was done on."""

from __future__ import annotations

import functools
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from PySide6.QtCore import QObject, Signal

from app.library.background import PASSING, Background
from app.text.error_text import trouble
from mlx_backend.errors import OvernightError

_T = TypeVar("_T")

Work = Callable[[sqlite3.Connection], str]
"""Changes the library, in the background. Returns a sentence that is to be said, mostly ""."""

_MOST = 100


def _nothing(*_: object) -> None:
    pass


@dataclass(frozen=True, eq=False)
class Step:
    """One thing that was done.

    `name` completes "Undo …" in the menu; `sentence` tells that it was done. `begins` and `ends`
    are called on the window's thread around each doing (True) and undoing (False), which go on in
    the background; `failed` in place of `ends` where that could not be.
    """

    name: str
    sentence: str
    do: Work
    undo: Work
    ends: Callable[[bool], None]
    begins: Callable[[bool], None] = _nothing
    failed: Callable[[], None] = _nothing


class Repeatable(Generic[_T]):
    """A change that knows how to take its last doing back."""

    def __init__(
        self,
        change: Callable[[sqlite3.Connection], _T],
        take_back: Callable[[sqlite3.Connection, _T], object],
        last: _T,
    ) -> None:
        self._change = change
        self._take_back = take_back
        self._last = last

    def do(self, db: sqlite3.Connection) -> str:
        """Make the change."""
        self._last = self._change(db)
        return ""

    def undo(self, db: sqlite3.Connection) -> str:
        """Take it back."""
        self._take_back(db, self._last)
        return ""


def silently(change: Callable[[sqlite3.Connection], object]) -> Work:
    """The same change, as work of which there is nothing to say."""

    def work(db: sqlite3.Connection) -> str:
        change(db)
        return ""

    return work


class UndoHistory(QObject):
    """The last steps, in order. The library follows in the background, in the same order.

    A step that fails says why, and is in the history no more; where the trouble may pass, it is
    where it was before, to be tried again.
    """

    changed = Signal()
    """What can be undone or redone is another step now."""

    said = Signal(str, bool)
    """A sentence to show, "" to show none; whether to offer to undo the last step with it."""

    def __init__(self, background: Background, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._background = background
        self._done: list[Step] = []
        self._undone: list[Step] = []

    @property
    def undo_name(self) -> str | None:
        """What `undo` would undo; None where there is nothing."""
        return self._done[-1].name if self._done else None

    @property
    def redo_name(self) -> str | None:
        """What `redo` would do again; None where there is nothing."""
        return self._undone[-1].name if self._undone else None

    def do(self, step: Step) -> None:
        """Do it now, and remember it."""
        self._push(step)
        self._run(step, True, self._take_failure)

    def add(self, step: Step) -> None:
        """Remember what is done already."""
        self._push(step)
        self.said.emit(step.sentence, True)

    def undo(self) -> None:
        """Take the last step back."""
        self._move(self._done, self._undone, forward=False)

    def redo(self) -> None:
        """Do the step again that was undone last."""
        self._move(self._undone, self._done, forward=True)

    def _push(self, step: Step) -> None:
        self._done[:] = [*self._done, step][-_MOST:]
        self._undone.clear()
        self.changed.emit()

    def _move(self, source: list[Step], target: list[Step], forward: bool) -> None:
        if source:
            step = source.pop()
            target.append(step)
            self.changed.emit()
            take_back = functools.partial(self._take_back, source, len(source))
            self._run(step, forward, take_back)

    def _run(
        self, step: Step, forward: bool, failed: Callable[[Step, OvernightError], None]
    ) -> None:
        self.said.emit("", False)  # what was offered before is not the last step any more
        step.begins(forward)
        self._background.call(
            step.do if forward else step.undo,
            functools.partial(self._take_end, step, forward),
            functools.partial(failed, step),
        )

    def _take_end(self, step: Step, forward: bool, said: str) -> None:
        step.ends(forward)
        if forward and self._done and self._done[-1] is step:
            self.said.emit(said or step.sentence, True)
        elif said:
            self.said.emit(said, False)

    def _take_failure(self, step: Step, error: OvernightError) -> None:
        self._forget(step)
        self._background.failed.emit(error)

    def _take_back(self, source: list[Step], place: int, step: Step, error: OvernightError) -> None:
        """A step could not be undone, or redone; where the trouble may pass, it still can be."""
        self._forget(step)
        if error.kind in PASSING:
            source.insert(place, step)
            self.changed.emit()
        self._say_failure(error)

    def _forget(self, step: Step) -> None:
        for steps in (self._done, self._undone):
            if step in steps:
                steps.remove(step)
        step.failed()
        self.changed.emit()

    def _say_failure(self, error: OvernightError) -> None:
        self.said.emit(trouble(error), False)
