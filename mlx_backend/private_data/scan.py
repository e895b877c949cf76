"""Looking through a text for everything private."""

from __future__ import annotations

from mlx_backend.private_data.families import ALL_RULES
from mlx_backend.private_data.finding import Finding, merged
from mlx_backend.private_data.rules import Text


def find_secrets(text: str) -> list[Finding]:
    """Keys, passwords, cards, accounts and national numbers in a text, by place, not overlapping.

    Takes time in proportion to the text's length, whatever it holds.
    """
    prepared = Text.of(text)
    return list(merged(finding for rule in ALL_RULES for finding in rule.find(prepared)))


def scan_note(text: str) -> tuple[Finding, ...]:
    """`find_secrets` for a whole note; its places hold for `mask_part` on the note's passages."""
    return tuple(find_secrets(text))
