"""Appending a job's events to a disk that may be full: events wait in memory until it has room."""

from __future__ import annotations

import logging
from collections import deque

from mlx_backend import protocol
from mlx_backend.jobs.folder import JobFolder

_RESERVE_BYTES = 64 << 10

_log = logging.getLogger(__name__)


class Journal:
    """Appends events in their order; never raises an error when the disk takes nothing.

    A small file reserves space in the folder. It is removed when the disk is full, so that there
    is room for the event that says so.
    """

    def __init__(self, folder: JobFolder) -> None:
        self._folder = folder
        self._reserve = folder.path / "reserve"
        self._unwritten: deque[protocol.JobEvent] = deque()
        self._is_torn = True  # an earlier process may have left half a line
        self._reserve_space()

    def append(self, event: protocol.JobEvent) -> None:
        """Append now, or as soon as `flush` finds room."""
        self._unwritten.append(event)
        self.flush()

    def flush(self) -> bool:
        """Try again to write what waits; True when nothing is left."""
        if not self._unwritten or self._write():
            return True
        return self._release_space() and self._write()

    def settle(self) -> None:
        """There is room again: write what waits, and reserve space anew."""
        if self.flush():
            self._reserve_space()

    def mend(self) -> None:
        """Another process that appended to the events has ended: its last line may be torn."""
        self._is_torn = True

    def close(self) -> bool:
        """The job is over: free the reserved space. True when all events are written."""
        self._release_space()
        return self.flush()

    def _write(self) -> bool:
        try:
            if self._is_torn:
                self._folder.seal_last_line()
                self._is_torn = False
            while self._unwritten:
                self._folder.append(self._unwritten[0])
                self._unwritten.popleft()
        except OSError as error:
            self._is_torn = True
            _log.warning("%d events wait for room: %s", len(self._unwritten), error)
            return False
        return True

    def _reserve_space(self) -> None:
        try:
            if not self._reserve.exists():
                self._reserve.write_bytes(bytes(_RESERVE_BYTES))
        except OSError as error:
            _log.warning("no space could be reserved: %s", error)

    def _release_space(self) -> bool:
        try:
            self._reserve.unlink()
        except FileNotFoundError:
            return False
        except OSError as error:
            _log.warning("the reserved space cannot be freed: %s", error)
            return False
        return True
