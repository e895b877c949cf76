"""Where the words that a question asks for stand in a text."""

from __future__ import annotations

import re


def key_places(text: str, key: str) -> list[tuple[int, int]]:
    """The places [start, end) of a key in a text, in characters: as whole words, in any case.

    In a script that may have no spaces, where it stands within words, if it stands nowhere alone.
    """
    words = re.escape(key)
    places = [m.span() for m in re.finditer(rf"(?<!\w){words}(?!\w)", text, re.IGNORECASE)]
    if places or key.isascii():
        return places
    return [found.span() for found in re.finditer(words, text)]
