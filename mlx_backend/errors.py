"""The one error type that a person can get to see, and how other exceptions become it."""

from __future__ import annotations

import errno
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3


class ErrorKind(StrEnum):
    """What went wrong, for programs; people read the message."""

    PATH_MISSING = "path_missing"
    UNREADABLE = "unreadable"
    NO_NOTES = "no_notes"
    ADAPTER_UNKNOWN = "adapter_unknown"
    ADAPTER_EXISTS = "adapter_exists"
    ADAPTER_DAMAGED = "adapter_damaged"
    MODEL_UNKNOWN = "model_unknown"
    MODEL_DAMAGED = "model_damaged"
    MODEL_EXISTS = "model_exists"
    OFFLINE = "offline"
    REFUSED = "refused"
    RUN_UNKNOWN = "run_unknown"
    RUN_STATE = "run_state"
    BUSY = "busy"
    DISK_FULL = "disk_full"
    NO_MEMORY = "no_memory"
    CRASHED = "crashed"
    HOST_LOST = "host_lost"
    NO_LEARNING = "no_learning"
    PRIVATE = "private"
    BAD_INPUT = "bad_input"
    TOO_LONG = "too_long"
    WRONG_USAGE = "wrong_usage"
    LIBRARY_DAMAGED = "library_damaged"
    MISSING_LIBRARY = "missing_library"
    WORKER_STOPPED = "worker_stopped"
    INTERRUPTED = "interrupted"
    INTERNAL = "internal"


class OvernightError(Exception):
    """An error whose message says what happened, and whose hint says what to do next.

    `detail` is for the log file: a traceback, or the output of another program. `wants_token`: the
    Hub refused, and another access token may help.
    """

    def __init__(
        self,
        kind: ErrorKind,
        message: str,
        hint: str = "",
        detail: str = "",
        wants_token: bool = False,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.hint = hint
        self.detail = detail
        self.wants_token = wants_token


_Told = tuple[ErrorKind, str, str]
"""An error's kind, message and hint."""

_LONGEST_PATH = 120  # characters that are shown of one that is too long
_NOTHING_LOST = "Free some space and try again. Nothing that was saved before is lost."


def from_exception(error: BaseException) -> OvernightError:
    """Turn any exception into an `OvernightError`; one that is one already comes back as it is.

    `detail` is its traceback.
    """
    if isinstance(error, OvernightError):
        return error
    import traceback

    detail = "".join(traceback.format_exception(error))
    return OvernightError(*_told(error), detail)


def _told(error: BaseException) -> _Told:
    import sqlite3  # here, because commands that do not fail start faster without it

    if isinstance(error, MemoryError) or _is_allocation_failure(error):
        hint = "Close other large programs, or choose a smaller base model, then try again."
        return ErrorKind.NO_MEMORY, "There was not enough memory.", hint
    if isinstance(error, RuntimeError) and "unable to write" in str(error).lower():
        # What MLX raises when it could not write all of a file.
        message = "A file could not be written: the disk is full or has a fault."
        return ErrorKind.DISK_FULL, message, _NOTHING_LOST
    if isinstance(error, OSError):
        return _of_os_error(error)
    if isinstance(error, sqlite3.Error):
        return _of_sqlite_error(error)
    return (
        ErrorKind.INTERNAL,
        f"Something went wrong inside Overnight ({type(error).__name__}: {error}).",
        "Try again. If it happens again, the log file says more.",
    )


def _is_allocation_failure(error: BaseException) -> bool:
    # MLX raises a plain RuntimeError when its allocator cannot serve a request.
    text = str(error).lower()
    signs = ("malloc", "unable to allocate", "insufficient memory", "out of memory")
    return isinstance(error, RuntimeError) and any(sign in text for sign in signs)


def _of_os_error(error: OSError) -> _Told:
    where = f" ({error.filename})" if error.filename else ""
    reason = f"{error.strerror or error}{where}"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return ErrorKind.DISK_FULL, f"The disk is full{where}.", _NOTHING_LOST
    if error.errno in (errno.EIO, errno.EROFS):
        hint = "Check that the disk is connected, writable and sound, then try again."
        kept = "Nothing that was saved before is lost."
        return ErrorKind.DISK_FULL, f"The disk reported: {reason}.", f"{hint} {kept}"
    if told := _of_path(error, where):
        return told
    if isinstance(error, FileNotFoundError):
        return ErrorKind.PATH_MISSING, f"There is nothing at this path{where}.", "Check the path."
    if isinstance(error, PermissionError):
        hint = "Check the permissions of the file or folder."
        return ErrorKind.UNREADABLE, f"The system does not allow access{where}.", hint
    hint = "Check that the disk is connected and writable, then try again."
    return ErrorKind.UNREADABLE, f"The system reported: {reason}.", hint


def _of_path(error: OSError, where: str) -> _Told | None:
    """What a path is that no file can be at; None where that is not the reason."""
    hint = "Choose another path."
    if isinstance(error, NotADirectoryError | FileExistsError):
        return ErrorKind.BAD_INPUT, f"A file stands where a folder is needed{where}.", hint
    if isinstance(error, IsADirectoryError):
        return ErrorKind.BAD_INPUT, f"A folder stands where a file is needed{where}.", hint
    if error.errno == errno.ENAMETOOLONG:
        short = f"{where[:_LONGEST_PATH]}…)" if len(where) > _LONGEST_PATH else where
        return ErrorKind.BAD_INPUT, f"This name is too long for the disk{short}.", hint
    if error.errno == errno.ELOOP:
        return ErrorKind.BAD_INPUT, f"Links lead in a circle{where}.", hint
    return None


# What SQLite's message says, and what that means. The first one found counts.
_SQLITE_ERRORS: tuple[tuple[str, _Told], ...] = (
    (
        "full",
        (
            ErrorKind.DISK_FULL,
            "The disk is full: the library could not be written.",
            _NOTHING_LOST,
        ),
    ),
    (
        "disk I/O",
        (
            ErrorKind.DISK_FULL,
            "The library could not be read or written: the disk is full or has a fault.",
            "Free some space and check the disk, then try again. Nothing that was saved is lost.",
        ),
    ),
    (
        "locked",
        (
            ErrorKind.BUSY,
            "Another program is writing to the library.",
            "Wait a moment and try again.",
        ),
    ),
    *(
        (
            sign,
            (
                ErrorKind.UNREADABLE,
                "The library's folder cannot be written.",
                "Check the permissions of the folder, or set OVERNIGHT_HOME to another one.",
            ),
        )
        for sign in ("readonly", "unable to open")
    ),
)


def _of_sqlite_error(error: sqlite3.Error) -> _Told:
    text = str(error)
    for sign, told in _SQLITE_ERRORS:
        if sign in text:
            return told
    return (
        ErrorKind.LIBRARY_DAMAGED,
        f"The library's database reported: {text}.",
        "Restore library.sqlite from a backup, or move it away to start with an empty library.",
    )
