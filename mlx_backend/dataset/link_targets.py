"""Resolving links between notes."""

from __future__ import annotations

import posixpath
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence

from mlx_backend.library.notes import NoteSummary

_MOST_NAMESAKES = 1000  # of one file name, to compare for one link


class Places:
    """An index of all notes by path and title, also of those that are not trained."""

    def __init__(self, notes: Iterable[NoteSummary]) -> None:
        self._forms: dict[int, tuple[str, str]] = {}
        self._places: defaultdict[str, list[int]] = defaultdict(list)
        self._titles: defaultdict[str, list[int]] = defaultdict(list)
        for note in notes:
            path = _folded(note.path)
            forms = self._forms[note.id] = path, posixpath.splitext(path)[0]
            for place in {*forms, *map(posixpath.basename, forms)}:
                self._places[place].append(note.id)
            self._titles[_folded(note.title)].append(note.id)

    def pointed_to(self, source: int, target: str) -> int:
        """The id of the note that a link in note `source` points to; 0 for none or several.

        `target` is a path from that note's folder, the end of a note's path, or a title.
        """
        name = _folded(target).lstrip("/")
        if not name:
            return 0
        folder = posixpath.dirname(self._forms[source][0])
        beside = posixpath.normpath(posixpath.join(folder, name))
        found = self._places.get(beside) or self._ending_in(name) or self._titles.get(name) or ()
        return found[0] if len(found) == 1 else 0

    def _ending_in(self, name: str) -> Sequence[int]:
        named = self._places.get(posixpath.basename(name), ())
        if "/" not in name or len(named) > _MOST_NAMESAKES:
            return named
        ending = f"/{name}"
        return [note for note in named if any(f.endswith(ending) for f in self._forms[note])]


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()
