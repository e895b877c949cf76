"""Reading a job's events while they are being appended."""

from __future__ import annotations

from pathlib import Path

from mlx_backend import protocol


class EventReader:
    """Reads a job's events as they are appended; cheap to call often."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0

    @property
    def offset(self) -> int:
        """How many bytes of the log have been read."""
        return self._offset

    def read_new(self, limit: int = -1) -> list[protocol.JobEvent]:
        """The events appended since the last call; half a line is left for the next call.

        With a `limit` in bytes, a long log comes in pieces: call again until nothing is left.
        """
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                lines = file.readlines(limit)
        except FileNotFoundError:
            return []
        whole = [line for line in lines if line.endswith(b"\n")]
        self._offset += sum(map(len, whole))
        events = (protocol.decode_event(line) for line in whole)
        return [event for event in events if event is not None]
