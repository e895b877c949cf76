"""In how many bits a person can have the weights of a model, and what is told of them."""

from __future__ import annotations

BITS = (4, 6, 8)
"""The sizes of a weight that a person can choose."""


def told_already(bits: int) -> str:
    """What to tell where nothing is to be done."""
    return f"It is quantised already, in {bits} bits."
