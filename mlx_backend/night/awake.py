"""Keeping the machine awake while a run computes. The display may sleep, and should.

While a display is on, the system limits how long the GPU may compute at a stretch, which can end
trainings: https://github.com/ml-explore/mlx/issues/3267. A laptop with a closed lid sleeps anyway.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence

from mlx_backend.night.app_nap import without_app_nap
from mlx_backend.night.system_tools import succeeds

_FAREWELL_S = 5.0

_log = logging.getLogger(__name__)


@contextlib.contextmanager
def kept_awake(reason: str) -> Iterator[None]:
    """Keep the machine from sleeping during a block; the log says so where that is impossible.

    The tool that keeps it awake ends with this process, even when that is killed.
    """
    command = command_for(reason)
    if command is None:
        _log.info("no tool keeps this machine awake; its own settings decide when it sleeps")
    with without_app_nap(reason), _running(command or ()):
        yield


def can_keep_awake() -> bool:
    """Whether this system permits it; found out by trying."""
    if sys.platform == "darwin":
        command: list[str] | None = ["/usr/bin/caffeinate", "-i", "-s", "/usr/bin/true"]
    else:
        command = _inhibitor("Trying whether that works", "true")
    return command is not None and succeeds(command)


def command_for(reason: str) -> list[str] | None:
    """The tool that keeps this system awake while it runs; None where there is none."""
    if sys.platform == "darwin":
        return ["/usr/bin/caffeinate", "-i", "-s", "-w", str(os.getpid())]
    # `cat` ends when its stdin closes, even when this process is killed.
    return _inhibitor(reason, "cat")


def _inhibitor(reason: str, while_running: str) -> list[str] | None:
    inhibit = shutil.which("systemd-inhibit")
    options = ["--what=idle:sleep", "--who=Overnight", f"--why={reason}", "--mode=block"]
    return [inhibit, *options, while_running] if inhibit else None


@contextlib.contextmanager
def _running(command: Sequence[str]) -> Iterator[None]:
    process = _start(command)
    try:
        yield
    finally:
        if process is not None:
            _end(process)


def _start(command: Sequence[str]) -> subprocess.Popen[bytes] | None:
    if not command:
        return None
    try:
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    except OSError as error:
        _log.warning("the machine cannot be kept awake: %s", error)
        return None


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        _log.warning("the machine was not kept awake: %s failed", process.args)
    assert process.stdin is not None
    process.stdin.close()
    process.terminate()
    try:
        process.wait(_FAREWELL_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
