"""Stands where the training process stands, and ends as it is told: `acting_process.py FOLDER`.

The folder's file `acts.json` lists the acts of each attempt in turn, `ATTEMPT: [ACT, ...]`.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

OUT_OF_MEMORY = (
    "libc++abi: terminating due to uncaught exception of type std::runtime_error: [METAL] Command"
    " buffer execution failed: Insufficient Memory"
    " (00000008:kIOGPUCommandBufferCallbackErrorOutOfMemory)"
)
GPU_TIMEOUT = (
    "libc++abi: terminating due to uncaught exception of type std::runtime_error: [METAL] Command"
    " buffer execution failed: Caused GPU Timeout Error"
    " (00000002:kIOGPUCommandBufferCallbackErrorTimeout)"
)


def main(folder: Path) -> None:
    attempts = json.loads((folder / "acts.json").read_text())
    (folder / "acts.json").write_text(json.dumps(attempts[1:]))
    for act, *given in attempts[0]:
        _ACTS[act](folder, *given)


def _say(line: dict[str, object]) -> None:
    os.write(1, json.dumps(line | {"v": 1, "at": 0.0}).encode() + b"\n")


def _save(folder: Path, step: int) -> None:
    (folder / "checkpoints" / f"step-{step:06d}").mkdir(parents=True)


def _print(folder: Path, text: str) -> None:
    os.write(2, text.encode() + b"\n")


def _wait_for_stop(folder: Path) -> None:
    (folder / "at work").touch()
    assert os.read(0, 100) == b"stop\n"
    _say({"event": "stopped"})


def _ignore_the_stop(folder: Path) -> None:
    (folder / "at work").touch()
    time.sleep(600)


def _finish(folder: Path) -> None:
    (folder / "report.json").write_text('{"adapter": "Garden"}')
    _say({"event": "finished", "result": {"adapter": "Garden"}})


def _fail(folder: Path, kind: str, detail: str = "") -> None:
    error = {"kind": kind, "message": "It went wrong.", "hint": "Mend it.", "detail": detail}
    _say({"event": "failed", "error": error})
    sys.exit(1)


def _want_memory(folder: Path, needed: int, could_take_less: bool = False) -> None:
    wait = {"event": "waiting", "reason": "memory", "text": "It needs it.", "needed_bytes": needed}
    _say(wait | {"could_take_less": could_take_less})


def _hang_at_the_end(folder: Path) -> None:
    _finish(folder)
    os.close(1)
    time.sleep(600)


_ACTS: dict[str, Callable[..., object]] = {
    "save": _save,
    "print": _print,
    "wait for stop": _wait_for_stop,
    "ignore the stop": _ignore_the_stop,
    "finish": _finish,
    "fail": _fail,
    "hang at the end": _hang_at_the_end,
    "want memory": _want_memory,
    "stop unasked": lambda folder: _say({"event": "stopped"}),
    "garbage": lambda folder: os.write(1, b"\xff\n{}\n[1]\n"),
    "note the way": lambda folder: _note(folder, ("memory_way.json", "computed_way.json")),
    "abort": lambda folder: os.abort(),
    "fault": lambda folder: ctypes.string_at(0),
    "be killed": lambda folder: os.kill(os.getpid(), signal.SIGKILL),
    "exit": lambda folder, code: os._exit(code),
}


def _note(folder: Path, names: tuple[str, ...]) -> None:
    paths = (folder / name for name in names)
    text = next((path.read_text() for path in paths if path.exists()), "none")
    with (folder / "ways").open("a") as file:
        file.write(text + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
