"""Stopping long work that is not a training step, such as an exam, when the run is to stop."""

from __future__ import annotations

from collections.abc import Callable

Check = Callable[[], None]
"""Called between the parts of long work; raises StoppedEarly when the work is to end."""


class StoppedEarly(Exception):
    """The run was asked to stop. What is on disk stays; a resumed run repeats the rest."""


def never() -> None:
    """A check that never stops the work."""


def check_of(stop_requested: Callable[[], bool]) -> Check:
    """A check that raises StoppedEarly once `stop_requested` returns true."""

    def check() -> None:
        if stop_requested():
            raise StoppedEarly

    return check
