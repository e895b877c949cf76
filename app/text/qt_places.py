"""Where a character of a Python text is in Qt, which counts UTF-16 code units."""

from __future__ import annotations

import bisect


class QtPlaces:
    """Turns places in Python's text into Qt's, which counts rarer characters as two, and back."""

    def __init__(self, text: str) -> None:
        self._wide = (
            []
            if text.isascii()
            else [place for place, character in enumerate(text) if ord(character) > 0xFFFF]
        )

    def in_qt(self, place: int) -> int:
        """Where Qt counts a place of Python's text."""
        return place + bisect.bisect_left(self._wide, place)

    def in_python(self, place: int) -> int:
        """Where Python counts a place of Qt's text."""
        wide = range(len(self._wide))
        return place - bisect.bisect_left(wide, place, key=lambda n: self._wide[n] + n)
