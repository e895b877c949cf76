"""The seconds that a run prepares its training: its teacher's work, the first exam, the plan.

They are recorded as they pass, because they count against the run's hours however it ends.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

import msgspec

from mlx_backend.files import write_atomically
from mlx_backend.jobs.folder import JobFolder

_EVERY_S = 5.0  # between two records


class Prepared(msgspec.Struct, frozen=True):
    """The seconds that preparing took in all attempts."""

    seconds: float = 0.0


def prepared_before(folder: JobFolder) -> Prepared:
    """The record of a run's preparing so far; an empty one where none can be read."""
    try:
        return msgspec.json.decode(folder.preparing_record.read_bytes(), type=Prepared)
    except (OSError, UnicodeDecodeError, msgspec.DecodeError):
        return Prepared()


class PreparingClock:
    """Counts one attempt's preparing; `before_s` are the seconds of earlier attempts."""

    def __init__(self, folder: JobFolder) -> None:
        self._folder = folder
        self.before_s = prepared_before(folder).seconds
        self._began: float | None = None
        self._recorded = 0.0

    @contextlib.contextmanager
    def counted(self) -> Iterator[None]:
        """Count the time of a block."""
        self._began = self._recorded = time.time()
        try:
            yield
        finally:
            self._record()
            self._began = None

    def tick(self) -> None:
        """Record the time if it is counted and some has passed, in case the run is killed."""
        if self._began is not None and time.time() - self._recorded >= _EVERY_S:
            self._record()

    def forget(self) -> None:
        """Forget what was counted, because the run begins anew."""
        self._folder.preparing_record.unlink(missing_ok=True)
        self.before_s = 0.0

    def _record(self) -> None:
        self._recorded = time.time()
        seconds = self.before_s + self._recorded - (self._began or self._recorded)
        write_atomically(self._folder.preparing_record, msgspec.json.encode(Prepared(seconds)))
