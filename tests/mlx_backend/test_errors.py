from __future__ import annotations

import errno
import os
import sqlite3

import pytest

from mlx_backend.errors import ErrorKind, OvernightError, from_exception
from mlx_backend.private_data.masked_errors import report_of
from mlx_backend.protocol import ErrorReport


def os_error(number: int, name: str = "/notes/a.md") -> OSError:
    return OSError(number, os.strerror(number), name)


CASES: list[tuple[BaseException, ErrorKind]] = [
    (os_error(errno.ENOSPC), ErrorKind.DISK_FULL),
    (os_error(errno.EDQUOT), ErrorKind.DISK_FULL),
    (os_error(errno.ENOENT), ErrorKind.PATH_MISSING),
    (os_error(errno.EACCES), ErrorKind.UNREADABLE),
    (os_error(errno.EPERM), ErrorKind.UNREADABLE),
    (os_error(errno.ENOTDIR), ErrorKind.BAD_INPUT),
    (os_error(errno.EEXIST), ErrorKind.BAD_INPUT),
    (os_error(errno.EISDIR), ErrorKind.BAD_INPUT),
    (os_error(errno.ELOOP), ErrorKind.BAD_INPUT),
    (os_error(errno.ENAMETOOLONG, "n" * 300), ErrorKind.BAD_INPUT),
    (os_error(errno.EIO), ErrorKind.DISK_FULL),
    (os_error(errno.EROFS), ErrorKind.DISK_FULL),
    (OSError("no number at all"), ErrorKind.UNREADABLE),
    (MemoryError(), ErrorKind.NO_MEMORY),
    (RuntimeError("[malloc_or_wait] Unable to allocate 8 bytes."), ErrorKind.NO_MEMORY),
    (RuntimeError("[malloc] Unable to allocate 1099511627776 bytes."), ErrorKind.NO_MEMORY),
    (RuntimeError("shapes do not match"), ErrorKind.INTERNAL),
    (sqlite3.OperationalError("database or disk is full"), ErrorKind.DISK_FULL),
    (sqlite3.OperationalError("database is locked"), ErrorKind.BUSY),
    (sqlite3.OperationalError("unable to open database file"), ErrorKind.UNREADABLE),
    (sqlite3.OperationalError("attempt to write a readonly database"), ErrorKind.UNREADABLE),
    (sqlite3.DatabaseError("file is not a database"), ErrorKind.LIBRARY_DAMAGED),
    (sqlite3.DatabaseError("database disk image is malformed"), ErrorKind.LIBRARY_DAMAGED),
    (ZeroDivisionError("division by zero"), ErrorKind.INTERNAL),
    (KeyboardInterrupt(), ErrorKind.INTERNAL),
]


@pytest.mark.parametrize(("error", "kind"), CASES, ids=lambda value: str(value)[:40])
def test_any_exception_becomes_a_typed_one(error: BaseException, kind: ErrorKind) -> None:
    typed = from_exception(error)
    assert typed.kind is kind
    assert typed.message.strip().endswith(".")
    assert typed.hint.strip().endswith(".")
    assert type(error).__name__ in typed.detail


def test_a_typed_error_comes_back_as_it_is() -> None:
    error = OvernightError(ErrorKind.BUSY, "Wait.")
    assert from_exception(error) is error


def test_the_path_is_named() -> None:
    assert "/notes/a.md" in from_exception(os_error(errno.ENOENT)).message


@pytest.mark.parametrize("kind", list(ErrorKind))
def test_a_report_carries_every_kind(kind: ErrorKind) -> None:
    error = OvernightError(kind, "What happened.", "What to do.", "Trace\nback — ☂")
    back = report_of(error).to_error()
    assert (back.kind, back.message, back.hint, back.detail) == (
        kind,
        error.message,
        error.hint,
        error.detail,
    )


@pytest.mark.parametrize("kind", ["", "of_a_later_version", "DISK_FULL", "disk_full "])
def test_an_unknown_kind_is_internal(kind: str) -> None:
    back = ErrorReport(kind=kind, message="What happened.").to_error()
    assert back.kind is ErrorKind.INTERNAL
    assert back.message == "What happened."
