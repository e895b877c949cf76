"""Telling in the terminal that a command waits for its turn."""

from __future__ import annotations

from mlx_backend.cli.console import Console
from mlx_backend.protocol import JobEvent, Waiting


def tell_wait(console: Console, event: JobEvent) -> None:
    """Say what is waited for; other events are not for the terminal."""
    if isinstance(event, Waiting):
        console.note(f"{event.text} Ctrl-C cancels.")
