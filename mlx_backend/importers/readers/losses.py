"""Saying in plain words what of a file is not in its text."""

from __future__ import annotations

from collections import Counter

Losses = Counter[str]
"""How many things of each kind are left out; a kind is named as one of them is: "picture"."""


def in_words(losses: Losses, *more: str) -> str:
    """`more`, where it is not "", and then all losses with their numbers."""
    counted = (f"{number} {kind}{'s' * (number > 1)}" for kind, number in losses.items() if number)
    return ", ".join([*filter(None, more), *counted])
