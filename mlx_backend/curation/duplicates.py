"""Notes with the same text: one stays, the others are left out by default."""

from __future__ import annotations

from collections.abc import Iterable


def find_duplicates(notes: Iterable[tuple[int, bytes]]) -> dict[int, int]:
    """The notes that repeat another one's text, each with the one that stays.

    `notes` are ids with the keys of their texts (`same_text_key`), in the order in which the first
    one stays. Texts without words are nobody's duplicates.
    """
    first: dict[bytes, int] = {}
    repeats: dict[int, int] = {}
    for note_id, key in notes:
        if key and (stays := first.setdefault(key, note_id)) != note_id:
            repeats[note_id] = stays
    return repeats
