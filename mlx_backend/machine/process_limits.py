"""Limits that the system sets a process."""

from __future__ import annotations

import contextlib
import resource


def lower_limit(what: int, value: int) -> None:
    """Lower a limit of this process (`resource.RLIMIT_...`), as far as the system lets it."""
    hard = resource.getrlimit(what)[1]
    if hard not in (resource.RLIM_INFINITY, -1):
        value = min(value, hard)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(what, (value, value))
