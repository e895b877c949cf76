"""How many columns of a terminal a text takes."""

from __future__ import annotations

import unicodedata


def display_width(text: str) -> int:
    """Two for what is as wide as a Chinese character, none for accents and joiners."""
    return sum(map(_width, text))


def padded(text: str, width: int, right: bool = False) -> str:
    """A text with spaces behind it, or before it, up to a width in columns."""
    room = " " * (width - display_width(text))
    return room + text if right else text + room


def _width(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
