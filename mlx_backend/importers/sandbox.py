"""Reading files in a separate process, so that a crash, hang or memory leak does no harm here."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
import psutil

from mlx_backend.importers import limits, sandbox_messages
from mlx_backend.importers.document import Document, SkippedFile, SkippedPart
from mlx_backend.importers.failures import TOO_MUCH_MEMORY
from mlx_backend.importers.opening import UnopenedFile, open_below

_LOOK_EVERY_S = 0.05
_STARTS_WITHIN_S = 100.0
_MOST_DEATHS = 5
_KEPT_VARIABLES = ("PATH", "HOME", "LANG", "LC_ALL", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")


@dataclass(frozen=True)
class ReadingLimits:
    """The limits on reading one file, in seconds and bytes; tests use smaller ones."""

    part_seconds: float = limits.SECONDS_PER_PART
    file_seconds: float = limits.SECONDS_PER_FILE + 2 * limits.SECONDS_PER_PART
    memory: int = limits.MEMORY


@dataclass
class FileContent:
    """The documents and skipped parts of a file; or `same`: its SHA-256 is the known one."""

    sha256: str = ""
    same: bool = False
    documents: list[Document] = field(default_factory=list)
    skipped: list[SkippedPart] = field(default_factory=list)


class _Stopped(Exception):
    """The reading process died or was killed: `reason` says why, `part` at which part."""

    def __init__(self, reason: str, part: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.part = part


class Sandbox:
    """Reads files in one reading process at a time, which is started when needed.

    Use it as a context manager; on leaving, the process ends.
    """

    def __init__(
        self,
        allowed: ReadingLimits = ReadingLimits(),
        module: str = "mlx_backend.importers.reading_process",
    ) -> None:
        self._allowed = allowed
        self._module = module
        self._process: _Process | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the reading process."""
        if self._process:
            self._process.end()
            self._process = None

    def read(
        self, source: Path, path: Path, known_sha256: str = "", chosen: bool = False
    ) -> FileContent:
        """Read the file at `path`, which is below `source` or equals it.

        A `chosen` file is read even if its name speaks against it. A part of an archive that
        crashes or hangs the reader is skipped; the other parts are read. Raises SkippedFile with
        the reason, in words for the person, when nothing of the file can be read.
        """
        fatal: list[SkippedPart] = []
        while True:
            descriptor = open_below(source, path)
            request = sandbox_messages.ReadRequest(
                path.name.encode("utf-8", "replace").decode(),
                known_sha256,
                tuple(skipped.part for skipped in fatal),
                chosen,
            )
            try:
                content = self._attempt(request, descriptor)
            except _Stopped as stopped:
                self.close()
                if not stopped.part or len(fatal) == _MOST_DEATHS:
                    raise SkippedFile(stopped.reason) from stopped
                fatal.append(SkippedPart(stopped.part, stopped.reason))
                continue
            except UnopenedFile:
                self.close()
                raise
            finally:
                os.close(descriptor)
            content.skipped.extend(fatal)
            return content

    def _attempt(self, request: sandbox_messages.ReadRequest, descriptor: int) -> FileContent:
        if self._process is None:
            self._process = _Process(self._module)
        content = FileContent()
        for answer in self._process.ask(request, descriptor, self._allowed):
            if isinstance(answer, sandbox_messages.FoundDocument):
                content.documents.append(_document(answer))
            elif isinstance(answer, sandbox_messages.PartSkipped):
                content.skipped.append(SkippedPart(answer.part, answer.reason))
            elif isinstance(answer, sandbox_messages.FileDone):
                content.sha256, content.same = answer.sha256, answer.same
                if self._process.is_worn():
                    self.close()
                if answer.reason:
                    raise SkippedFile(answer.reason)
        return content


class _Process:
    """A running reading process and the socket to it."""

    def __init__(self, module: str) -> None:
        self._connection, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", module, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                # Not to a log, because parsers' messages quote the person's texts.
                stderr=subprocess.DEVNULL,
                cwd="/",
                env={k: os.environ[k] for k in _KEPT_VARIABLES if k in os.environ}
                | {"PYTHONDONTWRITEBYTECODE": "1"},
                pass_fds=[theirs.fileno()],
            )
        self._watched = psutil.Process(self._process.pid)
        self._runs = False

    def ask(
        self, request: sandbox_messages.ReadRequest, descriptor: int, allowed: ReadingLimits
    ) -> Iterator[sandbox_messages.SandboxReply]:
        """The answers to a request; `Done` is the last. Raises _Stopped."""
        self._await_start()
        part = ""
        began = entered = time.monotonic()
        stream = sandbox_messages.AnswerStream()
        try:
            sandbox_messages.send(self._connection, request, descriptor)
            while True:
                for answer in stream.feed(self._wait(allowed, began, entered)):
                    if isinstance(answer, sandbox_messages.Entered):
                        part, entered = answer.part, time.monotonic()
                    yield answer
                    if isinstance(answer, sandbox_messages.FileDone):
                        return
        except _Stopped as stopped:
            raise _Stopped(stopped.reason, part) from stopped
        except (OSError, msgspec.DecodeError) as error:
            raise _Stopped(self._cause_of_death(), part) from error

    def _await_start(self) -> None:
        """Wait for the process to start, which does not count towards the file's time.

        Raises UnopenedFile when the machine is too busy.
        """
        if not self._runs:
            self._runs = bool(select.select([self._connection], [], [], _STARTS_WITHIN_S)[0])
        if not self._runs:
            raise UnopenedFile("The machine was too busy to read it")

    def _wait(self, allowed: ReadingLimits, began: float, entered: float) -> bytes:
        """Wait for the next bytes while checking memory and time. Raises _Stopped."""
        while True:
            ready = select.select([self._connection], [], [], _LOOK_EVERY_S)[0]
            now = time.monotonic()
            if now - entered > allowed.part_seconds and not ready:
                raise _Stopped(f"Reading it took longer than {allowed.part_seconds:.0f} seconds")
            # Checked even while answers keep coming.
            if now - began > allowed.file_seconds:
                raise _Stopped(
                    f"Reading it took longer than {allowed.file_seconds / 60:.0f} minutes"
                )
            if self._memory() > allowed.memory:
                raise _Stopped(TOO_MUCH_MEMORY)
            if ready:
                break
        data = self._connection.recv(1 << 18)
        if not data:
            raise _Stopped(self._cause_of_death())
        return data

    def is_worn(self) -> bool:
        """Whether the process has grown so much that a new one should read the next file."""
        return self._memory() > limits.WORN_MEMORY

    def _memory(self) -> int:
        """The resident memory in bytes; 0 when the process is gone."""
        try:
            return int(self._watched.memory_info().rss)
        except psutil.Error:
            return 0

    def _cause_of_death(self) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1)
        return "The file is damaged in a way that stops its reader"

    def end(self) -> None:
        """Kill the process; it has nothing to save."""
        self._connection.close()
        self._process.kill()
        self._process.wait()


def _document(found: sandbox_messages.FoundDocument) -> Document:
    length = len(found.text)
    voices = [v for v in found.voices if 0 <= v.start <= v.words < v.end <= length]
    return Document(
        title=found.title,
        text=found.text,
        kind=found.kind,
        part=found.part,
        created=found.created,
        author=found.author,
        voices=tuple(voices),
        left_out=found.left_out,
        aliases=found.aliases,
        tags=found.tags,
    )
