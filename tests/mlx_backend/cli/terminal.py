"""A command in a terminal of its own, as a person at the keys has it."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

CTRL_C, CTRL_D, LEFT, UP = "\x03", "\x04", "\x1b[D", "\x1b[A"
PASTE, PASTED = "\x1b[200~", "\x1b[201~"
_SEQUENCE = re.compile(r"\x1b\[[?0-9;]*[a-zA-Z]")
_PATIENCE_S = 100.0
# So that keys become signals.
_TAKE_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execvp(sys.argv[1], sys.argv[1:])
"""


class Terminal:
    """Runs `command`; what it prints is in `seen`, without what steers the terminal."""

    def __init__(self, command: Sequence[str], environment: dict[str, str] | None = None) -> None:
        self._controller, terminal = pty.openpty()
        self._process = subprocess.Popen(
            [sys.executable, "-c", _TAKE_TERMINAL, *command],
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            env=os.environ | {"TERM": "xterm", "COLUMNS": "400"} | (environment or {}),
            start_new_session=True,
        )
        os.close(terminal)
        self.raw = b""
        self._looked_at = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._controller)

    @property
    def seen(self) -> str:
        """All that was printed so far."""
        return _SEQUENCE.sub("", self.raw.decode(errors="replace")).replace("\r", "")

    def type(self, keys: str) -> None:
        """Press keys; waits for room, as what is typed is not read at once."""
        rest = keys.encode()
        while rest:
            self._read(0.0)
            _, ready, _ = select.select([], [self._controller], [], 0.1)
            if ready:
                rest = rest[os.write(self._controller, rest[:512]) :]

    def wait_for(self, text: str) -> str:
        """Until `text` is printed behind what was waited for before; gives what came up to it."""
        deadline = time.monotonic() + _PATIENCE_S
        while (at := self.seen.find(text, self._looked_at)) < 0:
            assert time.monotonic() < deadline, self.seen
            assert self._read(0.1) or self._process.poll() is None, self.seen
        before = self.seen[self._looked_at : at]
        self._looked_at = at + len(text)
        return before

    def press_until(self, key: str, text: str) -> None:
        """Press a key, and again should it not be heard, until `text` is printed.

        Python loses a signal that comes while it tidies an object away.
        """
        for _ in range(10):
            self.type(key)
            again = time.monotonic() + _PATIENCE_S / 10
            while time.monotonic() < again:
                if self.seen.find(text, self._looked_at) >= 0:
                    self.wait_for(text)
                    return
                self._read(0.1)
        raise AssertionError(self.seen)

    def interrupt(self, number: signal.Signals = signal.SIGINT) -> None:
        """Send a signal to the command alone."""
        self._process.send_signal(number)

    def end(self) -> int:
        """The exit code, once it has ended by itself."""
        deadline = time.monotonic() + _PATIENCE_S
        while self._process.poll() is None:
            assert time.monotonic() < deadline, self.seen
            self._read(0.1)
        while self._read(0.1):
            pass
        return self._process.returncode

    def _read(self, patience: float) -> bool:
        if not select.select([self._controller], [], [], patience)[0]:
            return False
        try:
            part = os.read(self._controller, 1 << 16)
        except OSError:  # nobody has the terminal open any more
            return False
        self.raw += part
        return bool(part)


def overnight(*words: str) -> list[str]:
    """The command line in a process of its own."""
    return [sys.executable, "-m", "mlx_backend.cli", *words]
