"""The log of a child process: what it prints, private data masked."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from mlx_backend.private_data.printed import pump

_PATIENCE_S = 5.0  # a grandchild may keep the pipe open


class PrintedLog:
    """Appends what a process writes to `inlet` to a file, and keeps the last `remembered` bytes.

    A context manager: leave it once the process has been started. Raises OSError when the file
    cannot be opened.
    """

    def __init__(self, path: Path, remembered: int) -> None:
        self._remembered = remembered
        self._tail = b""
        self._file = path.open("ab", buffering=0)
        outlet, self.inlet = os.pipe()
        self._thread = threading.Thread(target=self._read, args=(outlet,), daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self.inlet)

    def wait(self) -> None:
        """Wait until all that it printed is written; to be called once the process has ended."""
        self._thread.join(_PATIENCE_S)

    def tail(self) -> str:
        """The end of what it printed; to be called once the process has ended."""
        self.wait()
        return self._tail.decode(errors="replace")

    def _read(self, outlet: int) -> None:
        try:
            pump(outlet, self._write)
        finally:
            os.close(outlet)
            self._file.close()

    def _write(self, shown: bytes) -> None:
        self._tail = (self._tail + shown)[-self._remembered :]
        self._file.write(shown)
