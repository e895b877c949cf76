"""Reading what another program or a file gives over standard input."""

from __future__ import annotations

import os
import select
import stat
import sys
from dataclasses import dataclass

from mlx_backend.errors import ErrorKind, OvernightError

PATIENCE_S = 5.0
"""Seconds to wait for the first byte of a pipe before giving it up."""

_MOST = 16 << 20  # bytes: far more than any model reads
_AT_ONCE = 1 << 16


@dataclass(frozen=True)
class Piped:
    """The text read, and whether reading was given up because nothing came in time."""

    text: str = ""
    given_up: bool = False


def is_terminal() -> bool:
    """Whether standard input is a terminal."""
    try:
        return os.isatty(_descriptor())
    except OSError:
        return False


def read_all() -> Piped:
    """All of standard input, however long that takes; "" if it is closed.

    Raises OvernightError for more than 16 MB.
    """
    try:
        return Piped(_text(_descriptor()))
    except OSError:
        return Piped()


def read_if_any(patience: float) -> Piped:
    """All of standard input, if it is a file or pipe and anything comes within `patience` seconds.

    The wait is limited because a parent process may leave a pipe open without writing to it. Raises
    OvernightError for more than 16 MB.
    """
    try:
        descriptor = _descriptor()
        mode = os.fstat(descriptor).st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
            return Piped()
        if not select.select([descriptor], [], [], patience)[0]:
            return Piped(given_up=True)
        return Piped(_text(descriptor))
    except OSError:
        return Piped()


def _descriptor() -> int:
    """The file descriptor of standard input. Raises OSError if it is closed or has none."""
    if sys.stdin is None:
        raise OSError("standard input is closed")
    return sys.stdin.fileno()


def _text(descriptor: int) -> str:
    parts, size = [], 0
    while part := os.read(descriptor, _AT_ONCE):
        parts.append(part)
        size += len(part)
        if size > _MOST:
            raise OvernightError(
                ErrorKind.BAD_INPUT,
                f"Standard input is longer than {_MOST >> 20} MB; no model reads that much.",
                "Give a part of it. To ask about many texts, import them as notes:"
                " overnight import PATH",
            )
    return b"".join(parts).decode("utf-8-sig", "replace")
