"""Counting what of a file is not in its text, and putting it into words."""

from __future__ import annotations

from collections import Counter

Losses = Counter[str]
"""How many things of each kind are left out; the kind is a singular noun, such as "picture"."""


def in_words(losses: Losses, *more: str) -> str:
    """`more` (without empty strings), then the losses with their numbers: "menus, 2 pictures"."""
    counted = (f"{number} {kind}{'s' * (number > 1)}" for kind, number in losses.items() if number)
    return ", ".join([*filter(None, more), *counted])
