"""Matching the notes of a file that was read again with those the library has of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mlx_backend.library.notes import NewNote

_DATED = frozenset({"conversation", "mail", "chat", "evernote"})


@dataclass(frozen=True)
class KnownNote:
    """A note that the library has of a file; `place` is its path after that of the file.

    Notes that the person deleted are included, so that they are not taken for new ones.
    """

    id: int
    path: str
    place: str
    part: str
    kind: str
    title: str
    sha256: str
    created: float
    gone: bool
    deleted: bool = False

    @property
    def has_own_date(self) -> bool:
        """Whether notes of this kind have a date that tells apart those with the same name."""
        return self.kind in _DATED


_Key = Callable[[KnownNote | NewNote], object]
# The text counts first: names that repeat are numbered, and the numbers shift when one is added.
_KEYS: tuple[_Key, ...] = (
    lambda note: (note.sha256, note.part, note.created),
    lambda note: (note.sha256, note.part),
    lambda note: note.sha256,
    lambda note: (note.part, note.created),
)


def match(
    known: Sequence[KnownNote], notes: Sequence[NewNote], file_time: float
) -> dict[str, KnownNote]:
    """The known note that each note continues, by the note's path; new notes have no entry.

    Notes with the same text match first, and notes that exist are preferred to those gone or
    deleted. A changed text is matched by its name and date, else by its place. `file_time` is the
    modification time of the file, in Unix seconds: it is the date of notes without one of their
    own.
    """
    found: dict[str, KnownNote] = {}
    free = sorted(known, key=lambda note: (note.deleted, note.gone, note.id))
    for key in _KEYS:
        waiting: defaultdict[object, list[KnownNote]] = defaultdict(list)
        for old in reversed(free):
            waiting[key(old)].append(old)
        for note in notes:
            if note.path not in found and (same := waiting.get(key(note))):
                found[note.path] = same.pop()
        taken = {old.id for old in found.values()}
        free = [old for old in free if old.id not in taken]
    by_place = {old.place: old for old in free}
    for note in notes:
        at_place = by_place.get(note.path.removeprefix(note.file))
        if note.path not in found and at_place and not _is_another(at_place, note, file_time):
            found[note.path] = at_place
    return found


def _is_another(known: KnownNote, note: NewNote, file_time: float) -> bool:
    """Whether `note` is a different one with the same name: its date differs."""
    return known.has_own_date and note.created not in (known.created, file_time)
