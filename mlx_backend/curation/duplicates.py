"""Exact duplicates: of notes with the same text, one stays and the others are left out."""

from __future__ import annotations

from collections.abc import Iterable


def find_duplicates(notes: Iterable[tuple[int, bytes]]) -> dict[int, int]:
    """The ids of the duplicates, each with the id of the note that stays.

    `notes` are (id, `same_text_key` of the text), in order of preference: the first note with a
    text stays. Texts without words (key b"") are never duplicates.
    """
    first: dict[bytes, int] = {}
    repeats: dict[int, int] = {}
    for note_id, key in notes:
        if key and (stays := first.setdefault(key, note_id)) != note_id:
            repeats[note_id] = stays
    return repeats
