"""A reading process that does what each line of the file says: crash, hang, grow, break out."""

from __future__ import annotations

import ctypes
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from mlx_backend.importers import reading_process
from mlx_backend.importers.document import Document, EnteredPart, Item, SourceFile
from mlx_backend.importers.readers import registry


def read(source: SourceFile) -> Iterator[Item]:
    """One part for each line of the file; each line names an action."""
    for number, line in enumerate(source.data.decode().split("\n")):
        part = f"part {number}"
        if part in source.excluded_parts:
            continue
        yield EnteredPart(part)
        yield Document(title=line, text=do(line), part=part)


def spin(argument: str) -> str:
    while True:
        pass


def crash(argument: str) -> str:
    return str(ctypes.string_at(0))


ACTS: Mapping[str, Callable[[str], object]] = {
    "crash": crash,
    "hang": lambda _: time.sleep(1000),
    "spin": spin,
    "grow": lambda _: len(bytearray(1 << 30)),
    "open": lambda path: Path(path).read_text(),
    "write": lambda path: Path(path).write_text("x"),
    "delete": lambda path: Path(path).unlink(),
    "list": lambda path: list(Path(path).iterdir()),
    "connect": lambda port: socket.create_connection(("127.0.0.1", int(port)), 1),
    "run": lambda path: subprocess.run([path], check=True),
    "fork": lambda _: os.fork(),
    "kill": lambda process: os.kill(int(process), 0),
}


def do(line: str) -> str:
    act, _, argument = line.partition(" ")
    if act not in ACTS:
        return line
    try:
        return f"succeeded {ACTS[act](argument)}"
    except OSError as error:
        return f"refused {type(error).__name__}"


if __name__ == "__main__":
    registry.read = read
    reading_process.main(int(sys.argv[1]))
