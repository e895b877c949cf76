"""Trainings that die, or whose disk fails, at any chosen write: `forked_trainings.py`.

Reads orders, one JSON object a line, and forks a training for each: `folder`, `at` (the place
where it ends, by number or by name; 0 for none), `fault` (an errno, 0 for a kill). Answers each
in one line: `status` as wait gives it, `outcome` as the training said it, `places` it came by.
Loading the model libraries takes seconds, and a fork spares that; nothing is computed before.
"""

from __future__ import annotations

import errno
import functools
import io
import json
import os
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mlx_backend.machine import accelerator

accelerator.prepare()

import mlx.core as mx  # noqa: E402

import mlx_backend.run.training_run  # noqa: E402, F401 - a training needs it, loaded before the fork
from mlx_backend.run import process  # noqa: E402
from tests.mlx_backend.run_parts import write_little  # noqa: E402

_REMOVALS = ("unlink", "rmdir")
_CHANGES = ("fsync", "replace", "rename", "mkdir", "write", *_REMOVALS)


class Places:
    """Counts the places before and after each change of the disk; at one of them it ends."""

    def __init__(self, at: int | str, fault: int) -> None:
        self.names: list[str] = []
        self._at = at
        self._fault = fault
        self._is_broken = False

    def come_by(self, name: str, path: object) -> None:
        """The place `name`, on its way to change `path`."""
        self.names.append(f"{name} {_shape_of(path)}")
        if self._at in (len(self.names), self.names[-1]):
            if not self._fault:
                os.kill(os.getpid(), signal.SIGKILL)
            self._is_broken = True  # a disk that is full or gone stays so
        makes_room = self._fault == errno.ENOSPC and name.endswith(_REMOVALS)
        if self._is_broken and not makes_room and not name.startswith("after"):
            raise OSError(self._fault, os.strerror(self._fault), str(path))

    def around(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function between two places."""

        @functools.wraps(function)
        def wrapped(path: Any, *given: Any, **named: Any) -> Any:
            self.come_by(f"before {name}", path)
            result = function(path, *given, **named)
            self.come_by(f"after {name}", path)
            return result

        return wrapped


def _shape_of(path: object) -> str:
    """A file's name, by its descriptor too where the system can tell; numbers left out."""
    if isinstance(path, int):
        path = Path(f"/proc/self/fd/{path}").resolve()
    return re.sub(r"\d[-\da-f]*", "#", Path(str(path)).name)


def break_writes(places: Places) -> None:
    """Put the places around everything by which a training changes the disk."""
    for name in _CHANGES:
        setattr(os, name, places.around(name, getattr(os, name)))
    opened = places.around("open", io.open)
    original = io.open

    def open_file(path: Any, mode: str = "r", *given: Any, **named: Any) -> Any:
        return (original if "r" in mode else opened)(path, mode, *given, **named)

    io.open = open_file  # type: ignore[assignment]
    mx.save_safetensors = places.around("save", _torn_save(places, mx.save_safetensors))


def _torn_save(places: Places, save: Callable[..., None]) -> Callable[..., None]:
    def wrapped(path: str, *given: Any, **named: Any) -> None:
        save(path, *given, **named)
        whole = Path(path).read_bytes()
        os.truncate(path, len(whole) // 2)
        places.come_by("amid save", path)
        with open(path, "rb+") as file:  # noqa: PTH123 - not one of the places
            file.write(whole)

    return wrapped


def train(folder: str, at: int | str, fault: int) -> dict[str, object]:
    """Fork one training and wait for its end."""
    ours, told = os.pipe()
    theirs, stdin = os.pipe()
    names, noted = os.pipe()
    if (pid := os.fork()) == 0:
        os.dup2(theirs, 0)
        os.dup2(told, 1)
        os.dup2(os.open(Path(folder) / "job.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT), 2)
        places, write = Places(at, fault), os.write
        break_writes(places)
        status = process.main([folder])
        write(noted, json.dumps(places.names).encode())
        os._exit(status)
    for descriptor in (told, theirs, noted):
        os.close(descriptor)
    outcome, seen = _read_all(ours), _read_all(names)
    _, status = os.waitpid(pid, 0)
    os.close(stdin)
    return {
        "status": os.waitstatus_to_exitcode(status),
        "outcome": outcome.decode(),
        "places": json.loads(seen or b"[]"),
    }


def _read_all(descriptor: int) -> bytes:
    with os.fdopen(descriptor, "rb") as file:
        return file.read()


if __name__ == "__main__":
    write_little(setattr)
    for order in sys.stdin:
        sys.stdout.write(json.dumps(train(**json.loads(order))) + "\n")
        sys.stdout.flush()
