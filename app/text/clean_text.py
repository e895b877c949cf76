"""Text that fields, the database and the model can all hold."""

from __future__ import annotations


def clean(text: str) -> str:
    """A text with replacement characters in place of NUL and lone surrogates."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()
