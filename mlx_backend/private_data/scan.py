"""Searching a text for all kinds of private data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlx_backend.private_data.families import ALL_RULES
from mlx_backend.private_data.likeness import looks_random, stands_out
from mlx_backend.private_data.private_span import PrivateSpan, merged
from mlx_backend.private_data.rules import Text, places, stands_alone

_MOST_COPIED = 200


def find_secrets(text: str) -> list[PrivateSpan]:
    """The private data in a text, ordered by place, without overlaps; takes linear time.

    Finds keys, passwords, card and account numbers, and national numbers.
    """
    prepared = Text.of(text)
    return list(merged(span for rule in ALL_RULES for span in rule.find(prepared)))


def scan_note(text: str) -> tuple[PrivateSpan, ...]:
    """`find_secrets` for a whole note, for use with `masking.mask_part` on its passages.

    A value that is private in one place of the note is also found everywhere else in it.
    """
    found = find_secrets(text)
    return merged([*found, *_copies(text, found)])


def _copies(text: str, found: Sequence[PrivateSpan]) -> Iterator[PrivateSpan]:
    """Further occurrences of the found values, except values that could be ordinary words."""
    kinds: dict[str, str] = {}
    for span in found:
        value = text[span.start : span.end]
        if len(kinds) < _MOST_COPIED and (stands_out(value) or looks_random(value)):
            kinds.setdefault(value, span.kind)
    for value, kind in kinds.items():
        for place in places(text, value):
            if stands_alone(text, place, place + len(value)):
                yield PrivateSpan(kind, place, place + len(value))
