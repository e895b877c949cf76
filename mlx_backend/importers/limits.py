"""What reading one file may cost. A parser that wants more is stopped, and the file skipped."""

from __future__ import annotations

import contextlib
import resource
import sys
from pathlib import PurePath

_MB = 1 << 20

LARGEST_FILE = 100 * _MB
"""Bytes of a file that is held whole while it is read."""
LARGEST_IN_PIECES = 16 * 1024 * _MB
"""Bytes of a file of which a piece is held at a time."""
LARGEST_TEXT = 16 * _MB
"""Characters that one document may have."""
MOST_TEXT = 64 * _MB
"""Characters that all documents of a file may have together."""
MOST_PARTS = 50_000
"""Documents that one file may become."""

MEMORY = 512 * _MB
"""What the reading process may hold, in resident bytes."""
WORN_MEMORY = 200 * _MB
"""A process that has kept more than this gives way to a fresh one before the next file."""
SECONDS_PER_PART = 30.0
SECONDS_PER_FILE = 900.0
"""For files of many parts, whose rest is left out; one document has `SECONDS_PER_PART`."""

_PRIVATE_MEMORY = 440 * _MB  # the interpreter and its libraries need the rest
_CPU_SECONDS = 60

_TO_DO = {
    ".zip": "unpack it and import the folder",
    ".enex": "export one notebook at a time",
    ".mbox": "export one folder of mails at a time",
}
_PICTURES = frozenset({".docx", ".epub", ".odp", ".odt", ".pdf", ".pptx", ".rtf"})


def restrict_process() -> None:
    """Bind this process for good: no file can be written, memory ends, no core is dumped.

    Only Linux counts private memory here. Elsewhere the process that waits for the answer
    measures, and ends this one when it is too large.
    """
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_FSIZE, 0)
    _lower(resource.RLIMIT_NOFILE, 64)
    if sys.platform == "linux":
        _lower(resource.RLIMIT_DATA, _PRIVATE_MEMORY)


def allow_processor_time() -> None:
    """Give this process time for one more part: it ends by itself should nobody watch it."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    used = int(usage.ru_utime + usage.ru_stime)
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CPU, (used + _CPU_SECONDS, hard))


def too_large(name: str, limit: int = LARGEST_FILE, to_do: str = "") -> str:
    """The reason, for the person, why a file with more bytes than the limit is not read.

    `to_do` is what to do about it, unless the file can be made smaller.
    """
    size = f"{limit >> 30} GB" if limit >= 1 << 30 else f"{limit >> 20} MB"
    suffix = PurePath(name).suffix.lower()
    to_do = to_do or _TO_DO.get(suffix, "split it into smaller files")
    if suffix in _PICTURES:
        to_do = "save it in parts, or with smaller pictures"
    return f"The file is larger than {size}; {to_do}"


def _lower(what: int, value: int) -> None:
    hard = resource.getrlimit(what)[1]
    if hard not in (resource.RLIM_INFINITY, -1):
        value = min(value, hard)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(what, (value, value))
