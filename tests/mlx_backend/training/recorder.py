"""What a job reports, kept in a list."""

from __future__ import annotations

from typing import TypeVar

from mlx_backend import protocol

_E = TypeVar("_E", bound=protocol.Event)


class Recorder(list[protocol.JobEvent]):
    """Stands where a job's folder takes events."""

    def __call__(self, event: protocol.JobEvent) -> None:
        self.append(event)

    def of(self, kind: type[_E]) -> list[_E]:
        """The events of one kind."""
        return [event for event in self if isinstance(event, kind)]
