"""The one error type that a person can get to see, and how other exceptions become it."""

from __future__ import annotations

import errno
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3


class ErrorKind(StrEnum):
    """What went wrong, for programs; the message says it for people."""

    PATH_MISSING = "path_missing"
    UNREADABLE = "unreadable"
    NO_NOTES = "no_notes"
    ADAPTER_UNKNOWN = "adapter_unknown"
    ADAPTER_EXISTS = "adapter_exists"
    ADAPTER_DAMAGED = "adapter_damaged"
    MODEL_UNKNOWN = "model_unknown"
    MODEL_DAMAGED = "model_damaged"
    RUN_UNKNOWN = "run_unknown"
    RUN_STATE = "run_state"
    BUSY = "busy"
    DISK_FULL = "disk_full"
    NO_MEMORY = "no_memory"
    CRASHED = "crashed"
    HOST_LOST = "host_lost"
    NO_LEARNING = "no_learning"
    BAD_INPUT = "bad_input"
    TOO_LONG = "too_long"
    WRONG_USAGE = "wrong_usage"
    LIBRARY_DAMAGED = "library_damaged"
    MISSING_LIBRARY = "missing_library"
    WORKER_STOPPED = "worker_stopped"
    INTERNAL = "internal"


class OvernightError(Exception):
    """An error with a message that says what happened and a hint that says what to do next.

    `detail` is for the log file: a traceback, the text of another program.
    """

    def __init__(self, kind: ErrorKind, message: str, hint: str = "", detail: str = "") -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.hint = hint
        self.detail = detail


def from_exception(error: BaseException) -> OvernightError:
    """Turn any exception into the typed one; an `OvernightError` comes back as it is."""
    if isinstance(error, OvernightError):
        return error
    import sqlite3  # here, for a command that does not fail starts faster without
    import traceback

    detail = "".join(traceback.format_exception(error))
    if isinstance(error, MemoryError) or _is_allocation_failure(error):
        return OvernightError(
            ErrorKind.NO_MEMORY,
            "There was not enough memory.",
            "Close other large programs, or choose a smaller base model, then try again.",
            detail,
        )
    if isinstance(error, RuntimeError) and "unable to write" in str(error).lower():
        return OvernightError(  # how MLX says that a file could not be written whole
            ErrorKind.DISK_FULL,
            "A file could not be written: the disk is full or has a fault.",
            "Free some space and try again. Nothing that was saved before is lost.",
            detail,
        )
    if isinstance(error, OSError):
        return _from_os_error(error, detail)
    if isinstance(error, sqlite3.Error):
        return _from_sqlite_error(error, detail)
    return OvernightError(
        ErrorKind.INTERNAL,
        f"Something went wrong inside Overnight ({type(error).__name__}: {error}).",
        "Try again. If it happens again, the log file says more.",
        detail,
    )


def _is_allocation_failure(error: BaseException) -> bool:
    # MLX raises a plain RuntimeError when its allocator cannot serve a request.
    text = str(error).lower()
    signs = ("malloc", "unable to allocate", "insufficient memory", "out of memory")
    return isinstance(error, RuntimeError) and any(sign in text for sign in signs)


def _from_os_error(error: OSError, detail: str) -> OvernightError:
    where = f" ({error.filename})" if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return OvernightError(
            ErrorKind.DISK_FULL,
            f"The disk is full{where}.",
            "Free some space and try again. Nothing that was saved before is lost.",
            detail,
        )
    if error.errno in (errno.EIO, errno.EROFS):
        return OvernightError(
            ErrorKind.DISK_FULL,
            f"The disk reported: {error.strerror or error}{where}.",
            "Check that the disk is connected, writable and sound, then try again."
            " Nothing that was saved before is lost.",
            detail,
        )
    if isinstance(error, FileNotFoundError):
        return OvernightError(
            ErrorKind.PATH_MISSING,
            f"There is nothing at this path{where}.",
            "Check the path.",
            detail,
        )
    if isinstance(error, PermissionError):
        return OvernightError(
            ErrorKind.UNREADABLE,
            f"The system does not allow access{where}.",
            "Check the permissions of the file or folder.",
            detail,
        )
    return OvernightError(
        ErrorKind.UNREADABLE,
        f"The system reported: {error.strerror or error}{where}.",
        "Check that the disk is connected and writable, then try again.",
        detail,
    )


def _from_sqlite_error(error: sqlite3.Error, detail: str) -> OvernightError:
    text = str(error)
    if "full" in text:
        return OvernightError(
            ErrorKind.DISK_FULL,
            "The disk is full: the library could not be written.",
            "Free some space and try again. Nothing that was saved before is lost.",
            detail,
        )
    if "disk I/O" in text:
        return OvernightError(
            ErrorKind.DISK_FULL,
            "The library could not be read or written: the disk is full or has a fault.",
            "Free some space and check the disk, then try again. Nothing that was saved is lost.",
            detail,
        )
    if "locked" in text:
        return OvernightError(
            ErrorKind.BUSY,
            "Another program is writing to the library.",
            "Wait a moment and try again.",
            detail,
        )
    if "readonly" in text or "unable to open" in text:
        return OvernightError(
            ErrorKind.UNREADABLE,
            "The library's folder cannot be written.",
            "Check the permissions of the folder, or set OVERNIGHT_HOME to another one.",
            detail,
        )
    return OvernightError(
        ErrorKind.LIBRARY_DAMAGED,
        f"The library's database reported: {text}.",
        "Restore library.sqlite from a backup, or move it away to start with an empty library.",
        detail,
    )
