"""Looking through a text for everything private."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlx_backend.private_data.families import ALL_RULES
from mlx_backend.private_data.likeness import looks_random, stands_out
from mlx_backend.private_data.private_span import PrivateSpan, merged
from mlx_backend.private_data.rules import Text, places, stands_alone

_MOST_COPIED = 200


def find_secrets(text: str) -> list[PrivateSpan]:
    """Keys, passwords, cards, accounts and national numbers in a text, by place, not overlapping.

    Takes time in proportion to the text's length, whatever it holds.
    """
    prepared = Text.of(text)
    return list(merged(finding for rule in ALL_RULES for finding in rule.find(prepared)))


def scan_note(text: str) -> tuple[PrivateSpan, ...]:
    """`find_secrets` for a whole note; its places hold for `mask_part` on the note's passages.

    What one place tells to be private is so wherever else it stands in the note.
    """
    found = find_secrets(text)
    return merged([*found, *_copies(text, found)])


def _copies(text: str, found: Sequence[PrivateSpan]) -> Iterator[PrivateSpan]:
    """Where else the findings stand: those that no ordinary word or number can be."""
    kinds: dict[str, str] = {}
    for finding in found:
        value = text[finding.start : finding.end]
        if len(kinds) < _MOST_COPIED and (stands_out(value) or looks_random(value)):
            kinds.setdefault(value, finding.kind)
    for value, kind in kinds.items():
        for place in places(text, value):
            if stands_alone(text, place, place + len(value)):
                yield PrivateSpan(kind, place, place + len(value))
