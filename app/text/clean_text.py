"""Text as every part of the way can carry it, from a field to the disk and to the model."""

from __future__ import annotations


def clean(text: str) -> str:
    """Without NUL and half characters, which a sign stands for."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()
