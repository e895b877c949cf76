"""A notification to whoever is at the machine. It names an adapter, never anything of a note."""

from __future__ import annotations

import html
import sys

from mlx_backend.night.system_tools import Ask, answer_of
from mlx_backend.text.words import printable

# Title and text come as arguments, so that nothing in them is ever taken for script.
_SCRIPT = (
    "on run argv",
    "display notification (item 2 of argv) with title (item 1 of argv)",
    "end run",
)


def notify(title: str, text: str, ask: Ask = answer_of) -> None:
    """Show a notification; where the system has none, nothing happens."""
    ask(command_for(title, text, sys.platform))


def command_for(title: str, text: str, platform: str) -> list[str]:
    """The system's tool that shows a notification, with its arguments."""
    title, text = printable(title), printable(text)
    if platform == "darwin":
        lines = [part for line in _SCRIPT for part in ("-e", line)]
        return ["/usr/bin/osascript", *lines, title, text]
    # Desktops read marks like those of HTML in the text.
    return ["notify-send", "--app-name=Overnight", "--", title, html.escape(text, quote=False)]
