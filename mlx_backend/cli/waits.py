"""Telling in the terminal that a command waits for its turn."""

from __future__ import annotations

import msgspec

from mlx_backend.cli.console import Console
from mlx_backend.protocol import JobEvent, Waiting


def tell_wait(console: Console, event: JobEvent) -> None:
    """Say what is waited for; other events are not for the terminal."""
    if isinstance(event, Waiting):
        console.note(_told(event).text)


def with_way_out(event: JobEvent) -> JobEvent:
    """The same event; that of a wait says how to cancel as well."""
    return _told(event) if isinstance(event, Waiting) else event


def _told(waiting: Waiting) -> Waiting:
    return msgspec.structs.replace(waiting, text=f"{waiting.text} Ctrl-C cancels.")
