"""What another program or a file hands to a command over standard input."""

from __future__ import annotations

import os
import select
import stat
import sys
from dataclasses import dataclass

from mlx_backend.errors import ErrorKind, OvernightError

PATIENCE_S = 5.0
"""How long a pipe may say nothing before it is taken for one that never will."""

_MOST = 16 << 20  # bytes: far more than any model reads
_AT_ONCE = 1 << 16


@dataclass(frozen=True)
class Piped:
    """The text; and whether it was given up, because nothing had come by then."""

    text: str = ""
    given_up: bool = False


def is_terminal() -> bool:
    """Whether a person types at standard input."""
    try:
        return os.isatty(_descriptor())
    except OSError:
        return False


def read_all() -> Piped:
    """All of standard input, however long that takes; nothing where there is none.

    Raises OvernightError for more than any model reads.
    """
    try:
        return Piped(_text(_descriptor()))
    except OSError:
        return Piped()


def read_if_any(patience: float) -> Piped:
    """The same of a file or a pipe; of a pipe, if anything comes within `patience` seconds.

    Whoever starts this command may leave it a pipe of its own that nobody writes to, or ever
    closes: that must not hold up what was asked for.
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
    """That of standard input. Raises OSError where it is closed or nobody's."""
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
