"""What an exception in the process of a trial or of quantising means for the model."""

from __future__ import annotations

import traceback
from pathlib import Path

from mlx_backend.adoption.trial.messages import ProblemKind, Refused, shortened
from mlx_backend.adoption.trial.tried_tokenizer import UnfitError
from mlx_backend.errors import ErrorKind, OvernightError, from_exception

_OF_THE_MACHINE: dict[ErrorKind, tuple[ProblemKind, str]] = {
    ErrorKind.NO_MEMORY: ("no_memory", "it needs more memory than it may have"),
    ErrorKind.DISK_FULL: ("disk_full", "the disk is full or has a fault"),
}


def refused(error: BaseException, folder: Path) -> Refused:
    """The refusal of the model in `folder`, at which a library or a check raised `error`."""
    if isinstance(error, UnfitError):
        return Refused(reason=str(error))
    detail = shortened("".join(traceback.format_exception(error)))
    found = _of_the_machine(error)
    if found is not None:
        kind, reason = found
        return Refused(reason=reason, detail=detail, kind=kind)
    if isinstance(error, OvernightError):
        hint = error.hint if error.kind is ErrorKind.BAD_INPUT else ""
        said = error.detail or detail
        return Refused(message=error.message, hint=hint, detail=shortened(said))
    said = str(error).replace(str(folder), "its folder")
    first_line = said.strip().partition("\n")[0][:200]
    return Refused(reason=f"it failed: {first_line or type(error).__name__}", detail=detail)


def _of_the_machine(error: BaseException | None) -> tuple[ProblemKind, str] | None:
    """Whether the machine had no room, also where an error was raised because of that."""
    while error is not None:
        kind = from_exception(error).kind if isinstance(error, Exception) else None
        if kind is not None and kind in _OF_THE_MACHINE:
            return _OF_THE_MACHINE[kind]
        if "alloc" in str(error) and not isinstance(error, OvernightError):
            return _OF_THE_MACHINE[ErrorKind.NO_MEMORY]
        error = error.__cause__
    return None
