"""How frugal with memory a run has to be: a number in its folder that grows after bad ends."""

from __future__ import annotations

import msgspec

from mlx_backend.files import write_atomically
from mlx_backend.jobs.folder import JobFolder

_FILE = "frugality.json"
SMALLER_PORTIONS = 3
"""The first rung on which less is computed at once; above it, what was computed is forgotten."""

_THE_END = 100  # the training takes its last rung for any that is further down


class _Frugality(msgspec.Struct, frozen=True):
    rung: int = 0


def frugality_rung(folder: JobFolder) -> int:
    """0 while nothing happened; each rung asks for less memory in one piece than the one before.

    A file that cannot be read counts as none: the next bad end writes it again.
    """
    try:
        data = (folder.path / _FILE).read_bytes()
        return max(0, msgspec.json.decode(data, type=_Frugality).rung)
    except (OSError, UnicodeDecodeError, msgspec.DecodeError):
        return 0


def lower_memory(folder: JobFolder, at_least: int = 0, to_the_end: bool = False) -> int:
    """Step to the next rung, or further down to `at_least`, or below all there are; returns it.

    Raises OSError when it cannot be written.
    """
    rung = max(frugality_rung(folder) + 1, _THE_END if to_the_end else at_least)
    write_atomically(folder.path / _FILE, msgspec.json.encode(_Frugality(rung)))
    return rung
