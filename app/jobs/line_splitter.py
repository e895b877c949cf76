"""Cuts a stream of bytes into lines without ever holding more than a limit."""

from __future__ import annotations

import logging

_log = logging.getLogger(__name__)


class LineSplitter:
    """Feed it what a pipe brought; it gives back the lines that are whole.

    A line longer than `limit` bytes is dropped, and its rest with it, however it arrives.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._rest = b""
        self._dropping = False

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that `data` completes, without their newlines."""
        *lines, rest = data.split(b"\n")
        if lines:
            lines[0] = self._rest + lines[0]
            self._rest = rest
            if self._dropping:
                del lines[0]
                self._dropping = False
        else:
            self._rest += rest
        if len(self._rest) > self._limit:
            _log.warning("dropped a line of more than %d bytes", self._limit)
            self._rest, self._dropping = b"", True
        return [line for line in lines if 0 < len(line) <= self._limit]
