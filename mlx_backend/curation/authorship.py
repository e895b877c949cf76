"""How much of a note is in the person's own words, where a text has several voices."""

from __future__ import annotations

from mlx_backend.library.findings import Ranges


def own_share(text: str, own_words: Ranges) -> float:
    """From 0 to 1: the share of the text's characters in the ranges that the person wrote."""
    if not text:
        return 0.0
    return min(1.0, sum(end - start for start, end in own_words) / len(text))


def describe(share: float) -> str:
    """A sentence for the person."""
    if share == 0:
        return "Others wrote it; nothing in it is in your own words."
    return f"You wrote {max(1, round(share * 100))} percent of it yourself, others the rest."
