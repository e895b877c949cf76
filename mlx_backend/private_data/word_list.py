"""Writing long lists of words compactly."""

from __future__ import annotations


def word_list(text: str) -> tuple[str, ...]:
    """The words of a text, split at white space."""
    return tuple(text.split())
