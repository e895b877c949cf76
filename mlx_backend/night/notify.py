"""A notification for the person at the machine. It may name an adapter, never a note."""

from __future__ import annotations

import html
import sys

from mlx_backend.night.system_tools import Ask, answer_of
from mlx_backend.text.words import printable

# Title and text are passed as arguments, so that nothing in them runs as a script.
_SCRIPT = (
    "on run argv",
    "display notification (item 2 of argv) with title (item 1 of argv)",
    "end run",
)


def notify(title: str, text: str, ask: Ask = answer_of) -> None:
    """Show a notification; does nothing on a system without notifications."""
    ask(command_for(title, text, sys.platform))


def command_for(title: str, text: str, platform: str) -> list[str]:
    """The command of the system that shows a notification."""
    title, text = printable(title), printable(text)
    if platform == "darwin":
        lines = [part for line in _SCRIPT for part in ("-e", line)]
        return ["/usr/bin/osascript", *lines, title, text]
    # Desktops interpret the text as HTML.
    return ["notify-send", "--app-name=Overnight", "--", title, html.escape(text, quote=False)]
