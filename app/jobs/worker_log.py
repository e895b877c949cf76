"""The chat engine's log file: what it prints, without what is private."""

from __future__ import annotations

import contextlib
import queue
import threading
from pathlib import Path

from mlx_backend.private_data.printed import PrintedText

_LIMIT = 5 << 20
_PATIENCE_S = 2.0
_END = b""


class WorkerLog:
    """Takes in what is printed at once, and searches and writes it on a thread of its own."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._printed: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def write(self, data: bytes) -> None:
        """Add what was printed."""
        if data:
            self._printed.put(data)

    def end(self) -> None:
        """Nothing more comes from this process: a line that it left open is whole."""
        self._printed.put(_END)

    def close(self) -> None:
        """End the thread, once all is written."""
        self._printed.put(None)
        self._thread.join(_PATIENCE_S)

    def _serve(self) -> None:
        text = PrintedText()
        while (data := self._printed.get()) is not None:
            if data is not _END:
                self._append(text.feed(data))
            else:
                self._append(text.end())
                text = PrintedText()

    def _append(self, shown: bytes) -> None:
        if shown:
            with contextlib.suppress(OSError):  # a full disk costs the log, and nothing else
                self._make_room()
                with self._path.open("ab") as file:
                    file.write(shown)

    def _make_room(self) -> None:
        if self._path.exists() and self._path.stat().st_size > _LIMIT:
            self._path.replace(self._path.with_suffix(".old.log"))
