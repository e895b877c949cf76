"""Limits on reading one file: a parser that exceeds them is stopped, and the file is skipped."""

from __future__ import annotations

import contextlib
import resource
import sys
from pathlib import PurePath

from mlx_backend.machine.process_limits import lower_limit

_MB = 1 << 20

LARGEST_FILE = 100 * _MB
"""The most bytes of a file that is read into memory whole."""
LARGEST_IN_PIECES = 16 * 1024 * _MB
"""The most bytes of a file that is read a piece at a time."""
LARGEST_TEXT = 16 * _MB
"""The most characters of one document."""
MOST_TEXT = 64 * _MB
"""The most characters of all documents of a file together."""
MOST_PARTS = 50_000
"""The most documents that one file may become."""

MEMORY = 512 * _MB
"""The most resident memory of the reading process, in bytes."""
WORN_MEMORY = 200 * _MB
"""A reading process that holds more bytes than this is replaced before the next file."""
SECONDS_PER_PART = 30.0
SECONDS_PER_FILE = 900.0
"""For files with many parts: after this time, the rest of the file is skipped."""

_PRIVATE_MEMORY = 440 * _MB  # the interpreter and its libraries need the rest
_CPU_SECONDS = 60

_TO_DO = {
    ".zip": "unpack it and import the folder",
    ".enex": "export one notebook at a time",
    ".mbox": "export one folder of mails at a time",
}
_PICTURES = frozenset({".docx", ".epub", ".odp", ".odt", ".pdf", ".pptx", ".rtf"})


def restrict_process() -> None:
    """Restrict this process for good: it can write no file, dump no core, and use little memory.

    Only Linux enforces the limit on private memory. Elsewhere the parent measures the memory of
    this process, and ends it when it grows too large.
    """
    lower_limit(resource.RLIMIT_CORE, 0)
    lower_limit(resource.RLIMIT_FSIZE, 0)
    lower_limit(resource.RLIMIT_NOFILE, 64)
    if sys.platform == "linux":
        lower_limit(resource.RLIMIT_DATA, _PRIVATE_MEMORY)


def allow_processor_time() -> None:
    """Allow this process enough CPU time for one more part; without a parent, it then ends."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    used = int(usage.ru_utime + usage.ru_stime)
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CPU, (used + _CPU_SECONDS, hard))


def too_large(name: str, limit: int = LARGEST_FILE, to_do: str = "") -> str:
    """The reason, for the person, why a file larger than `limit` bytes is not read.

    `to_do` replaces the usual advice, except for formats that can be saved with smaller pictures.
    """
    size = f"{limit >> 30} GB" if limit >= 1 << 30 else f"{limit >> 20} MB"
    suffix = PurePath(name).suffix.lower()
    to_do = to_do or _TO_DO.get(suffix, "split it into smaller files")
    if suffix in _PICTURES:
        to_do = "save it in parts, or with smaller pictures"
    return f"The file is larger than {size}; {to_do}"
