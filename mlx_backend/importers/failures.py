"""The reasons why a file or a part of it could not be read, in words for the person."""

from __future__ import annotations

from mlx_backend.importers.document import SkippedFile

TOO_MUCH_MEMORY = "Reading it takes more memory than a note should need"
TOO_DEEP = "It is nested too deeply"


def reason_for(error: Exception, otherwise: str) -> str:
    """The reason for an exception that a reader raised.

    `otherwise` is the reason for an exception of any other type: parsers raise all sorts of them on
    damaged files.
    """
    if isinstance(error, SkippedFile):
        return str(error)
    if isinstance(error, MemoryError):
        return TOO_MUCH_MEMORY
    if isinstance(error, RecursionError):
        return TOO_DEEP
    return otherwise
