"""How frugal with memory a run has to be: kept in its folder, and more so after bad ends."""

from __future__ import annotations

from typing import Annotated

import msgspec

from mlx_backend.files import write_atomically
from mlx_backend.jobs.folder import JobFolder

_FILE = "frugality.json"
_THE_END = 100  # the training takes its last rung for any that is further down


Rungs = Annotated[int, msgspec.Meta(ge=0)]


class Lowered(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was given up: so many rungs, each of which asks for less memory than the one before.

    Below them, `smaller` asks for the first on which less is computed at once, and `further` for
    so many below that.
    """

    rung: Rungs = 0
    smaller: bool = False
    further: Rungs = 0


def lowered_memory(folder: JobFolder) -> Lowered:
    """What a run has given up so far.

    A file that cannot be read counts as nothing: the next bad end writes it again.
    """
    try:
        return msgspec.json.decode((folder.path / _FILE).read_bytes(), type=Lowered)
    except (OSError, UnicodeDecodeError, msgspec.DecodeError):
        return Lowered()


def lower_memory(folder: JobFolder, smaller: bool = False, to_the_end: bool = False) -> Lowered:
    """Give up more, by a rung or all there is; `smaller` has less computed at once from now on.

    Raises OSError when it cannot be written.
    """
    now = _lowered_from(lowered_memory(folder), smaller, to_the_end)
    write_atomically(folder.path / _FILE, msgspec.json.encode(now))
    return now


def _lowered_from(before: Lowered, smaller: bool, to_the_end: bool) -> Lowered:
    if before.smaller and not to_the_end:
        return msgspec.structs.replace(before, further=before.further + 1)
    rung = max(before.rung + 1, _THE_END if to_the_end else 0)
    return msgspec.structs.replace(before, rung=rung, smaller=before.smaller or smaller)
