from __future__ import annotations

import errno
import os
import sqlite3

import pytest

from mlx_backend.errors import Kind, OvernightError, from_exception
from mlx_backend.protocol import ErrorReport


def os_error(number: int, name: str = "/notes/a.md") -> OSError:
    return OSError(number, os.strerror(number), name)


CASES: list[tuple[BaseException, Kind]] = [
    (os_error(errno.ENOSPC), Kind.DISK_FULL),
    (os_error(errno.EDQUOT), Kind.DISK_FULL),
    (os_error(errno.ENOENT), Kind.PATH_MISSING),
    (os_error(errno.EACCES), Kind.UNREADABLE),
    (os_error(errno.EPERM), Kind.UNREADABLE),
    (os_error(errno.EIO), Kind.DISK_FULL),
    (os_error(errno.EROFS), Kind.DISK_FULL),
    (OSError("no number at all"), Kind.UNREADABLE),
    (MemoryError(), Kind.NO_MEMORY),
    (RuntimeError("[malloc_or_wait] Unable to allocate 8 bytes."), Kind.NO_MEMORY),
    (RuntimeError("[malloc] Unable to allocate 1099511627776 bytes."), Kind.NO_MEMORY),
    (RuntimeError("shapes do not match"), Kind.INTERNAL),
    (sqlite3.OperationalError("database or disk is full"), Kind.DISK_FULL),
    (sqlite3.OperationalError("database is locked"), Kind.BUSY),
    (sqlite3.OperationalError("unable to open database file"), Kind.UNREADABLE),
    (sqlite3.OperationalError("attempt to write a readonly database"), Kind.UNREADABLE),
    (sqlite3.DatabaseError("file is not a database"), Kind.LIBRARY_DAMAGED),
    (sqlite3.DatabaseError("database disk image is malformed"), Kind.LIBRARY_DAMAGED),
    (ZeroDivisionError("division by zero"), Kind.INTERNAL),
    (KeyboardInterrupt(), Kind.INTERNAL),
]


@pytest.mark.parametrize(("error", "kind"), CASES, ids=lambda value: str(value)[:40])
def test_any_exception_becomes_a_typed_one(error: BaseException, kind: Kind) -> None:
    typed = from_exception(error)
    assert typed.kind is kind
    assert typed.message.strip().endswith(".")
    assert typed.hint.strip().endswith(".")
    assert type(error).__name__ in typed.detail


def test_a_typed_error_comes_back_as_it_is() -> None:
    error = OvernightError(Kind.BUSY, "Wait.")
    assert from_exception(error) is error


def test_the_path_is_named() -> None:
    assert "/notes/a.md" in from_exception(os_error(errno.ENOENT)).message


@pytest.mark.parametrize("kind", list(Kind))
def test_a_report_carries_every_kind(kind: Kind) -> None:
    error = OvernightError(kind, "What happened.", "What to do.", "Trace\nback — ☂")
    back = ErrorReport.of(error).to_error()
    assert (back.kind, back.message, back.hint, back.detail) == (
        kind,
        error.message,
        error.hint,
        error.detail,
    )


@pytest.mark.parametrize("kind", ["", "of_a_later_version", "DISK_FULL", "disk_full "])
def test_an_unknown_kind_is_internal(kind: str) -> None:
    back = ErrorReport(kind=kind, message="What happened.").to_error()
    assert back.kind is Kind.INTERNAL
    assert back.message == "What happened."
