"""Denying this process what it does not need: other files, the network, other programs.

Parsers of the person's files and the trial of a model run so. Python raises audit events (PEP 578)
before each such action, whichever library attempts it. An audit hook cannot be removed.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path
from typing import Any

_FORBIDDEN = ("socket.", "subprocess.", "shutil.", "urllib.", "http.", "ftplib.", "smtplib.", "os.")
_HARMLESS = frozenset(
    {"os.listdir", "os.scandir", "os.putenv", "os.unsetenv", "os.add_dll_directory"}
)
_TIME_ZONES = ("/usr/share/zoneinfo", "/var/db/timezone", "/etc/localtime", "/etc/timezone")
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def lock_down(readable: Iterable[Path] = (), writable: Path | None = None) -> None:
    """From now on, allow only reading Python's own modules and what is at or below `readable`.

    At and below the folder `writable`, files can be read and written, and nothing else can be done.
    Everything else raises PermissionError. Code that is not Python's own is not watched.
    """
    places = () if writable is None else (writable.resolve(),)
    roots = (*_own_roots(), *(path.resolve() for path in readable), *places)

    def refuse(event: str, arguments: tuple[object, ...]) -> None:
        if event == "open":
            _check_open(roots, places, *arguments)
        elif event in ("os.listdir", "os.scandir"):
            _check_path(roots, arguments[0])
        elif event == "os.mkdir":
            _check_writable(places, arguments[0])
        elif event.startswith(_FORBIDDEN) and event not in _HARMLESS and not _is_of_parent(event):
            raise PermissionError(f"this process may not use {event}")

    sys.addaudithook(refuse)


def _is_of_parent(event: str) -> bool:
    # The socket object around the parent's descriptor; it connects to nothing else.
    return event == "socket.__new__"


def _own_roots() -> tuple[Path, ...]:
    package = Path(__file__).parents[2]
    paths = {*sysconfig.get_paths().values(), sys.prefix, sys.base_prefix, *sys.path}
    roots = {package, *(Path(path).resolve() for path in (*paths, *_TIME_ZONES) if path)}
    return tuple(root for root in roots if root != Path("/"))


def _check_open(
    roots: tuple[Path, ...], places: tuple[Path, ...], path: object, mode: object, flags: object
) -> None:
    if isinstance(flags, int) and flags & _WRITING:
        _check_writable(places, path)
    else:
        _check_path(roots, path)


def _check_writable(places: tuple[Path, ...], path: Any) -> None:
    is_path = isinstance(path, str | bytes | os.PathLike)
    if not is_path or not _is_below(places, Path(os.fsdecode(path)).resolve()):
        raise PermissionError("this process may not write files")


def _check_path(roots: tuple[Path, ...], path: object) -> None:
    if not isinstance(path, str | bytes | os.PathLike):
        return  # a descriptor of a file that was opened before the lockdown
    name = Path(os.fsdecode(path)).resolve()
    if not _is_below(roots, name):
        raise PermissionError(f"this process may not read {name}")


def _is_below(roots: tuple[Path, ...], path: Path) -> bool:
    return any(path.is_relative_to(root) for root in roots)
