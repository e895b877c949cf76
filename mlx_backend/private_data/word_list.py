"""Long lists of words as lines of text."""

from __future__ import annotations


def word_list(text: str) -> tuple[str, ...]:
    """The words between the spaces."""
    return tuple(text.split())
