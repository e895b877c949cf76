"""Appending a job's events when the disk may be full: what it refuses is kept until it has room."""

from __future__ import annotations

import logging
from collections import deque

from mlx_backend import protocol
from mlx_backend.jobs.folder import JobFolder

_RESERVE_BYTES = 64 << 10

_log = logging.getLogger(__name__)


class Journal:
    """Appends events in their order; never raises for a disk that does not take them.

    A small file holds a place in the folder. It is given up when the disk is full, so that there
    is room to say so.
    """

    def __init__(self, folder: JobFolder) -> None:
        self._folder = folder
        self._reserve = folder.path / "reserve"
        self._unwritten: deque[protocol.JobEvent] = deque()
        self._is_torn = True  # an earlier process may have left half a line
        self._hold_a_place()

    def append(self, event: protocol.JobEvent) -> None:
        """Append now, or as soon as `flush` finds room."""
        self._unwritten.append(event)
        self.flush()

    def flush(self) -> bool:
        """Try again what could not be written; True when nothing is left."""
        if not self._unwritten or self._write():
            return True
        return self._give_up_the_place() and self._write()

    def settle(self) -> None:
        """There is room again: write what waited, and hold a place anew."""
        if self.flush():
            self._hold_a_place()

    def mend(self) -> None:
        """A process that appended too has ended: its last line may be cut short."""
        self._is_torn = True

    def close(self) -> bool:
        """The job is over, and needs no place any more; True when all is written."""
        self._give_up_the_place()
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

    def _hold_a_place(self) -> None:
        try:
            if not self._reserve.exists():
                self._reserve.write_bytes(bytes(_RESERVE_BYTES))
        except OSError as error:
            _log.warning("no place could be reserved: %s", error)

    def _give_up_the_place(self) -> bool:
        try:
            self._reserve.unlink()
        except FileNotFoundError:
            return False
        except OSError as error:
            _log.warning("the reserved place stays: %s", error)
            return False
        return True
