"""Hearing a wish to stop in the midst of work that is done again when the run goes on."""

from __future__ import annotations

from collections.abc import Callable

Check = Callable[[], None]
"""Called between the parts of longer work; raises StoppedEarly once that work is to end."""


class StoppedEarly(Exception):
    """The run was asked to stop while it measured; what counts is on disk, the rest is repeated."""


def never() -> None:
    """The check of work that nobody interrupts."""


def check_of(stop_requested: Callable[[], bool]) -> Check:
    """A check that asks whether to stop."""

    def check() -> None:
        if stop_requested():
            raise StoppedEarly

    return check
