"""A trial's process that does what the name of its model says: crash, hang, grow, break out."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from mlx_backend.adoption.trial.messages import Began, Refused, Teller
from mlx_backend.machine.lockdown import lock_down


def grow(argument: str) -> int:
    kept = bytearray()
    while True:
        kept += b"x" * (64 << 20)


def spin(argument: str) -> None:
    while True:
        pass


ACTS: Mapping[str, Callable[[str], object]] = {
    "crash": lambda _: ctypes.string_at(0),
    "abort": lambda _: os.abort(),
    "exit": lambda _: os._exit(3),
    "die": lambda _: signal.raise_signal(signal.SIGKILL),
    "hang": lambda _: time.sleep(1000),
    "spin": spin,
    "grow": grow,
    "open": lambda path: Path(path).read_bytes(),
    "write": lambda path: Path(path).write_text("x"),
    "delete": lambda path: Path(path).unlink(),
    "list": lambda path: list(Path(path).iterdir()),
    "connect": lambda port: socket.create_connection(("127.0.0.1", int(port)), 1),
    "run": lambda path: subprocess.run([path], check=True),
    "fork": lambda _: os.fork(),
    "kill": lambda process: os.kill(int(process), 0),
}


def main(descriptor: int, folder: Path, wish: str, writable: Path | None) -> None:
    lock_down([folder], writable)
    teller = Teller(descriptor)
    teller.tell(Began("weights"))
    if wish.startswith("lie "):
        os.write(descriptor, wish.removeprefix("lie ").encode() + b"\n")
    else:
        teller.tell(Refused(reason="; ".join(map(done, wish.split("\n")))))


def done(wish: str) -> str:
    act, _, argument = wish.partition(" ")
    try:
        ACTS[act](argument)
    except OSError as error:
        return type(error).__name__
    return "succeeded"


if __name__ == "__main__":
    # A process that quantises gets the folder to fill, and the bits.
    new = Path(sys.argv[5]) if len(sys.argv) > 6 else None
    main(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], new)
