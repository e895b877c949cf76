"""Which questions could be about several notes, and therefore need their note's title."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable

from mlx_backend.library.notes import Passage
from mlx_backend.text.stems import own_stems

# Fewer other notes may be copies of the note, or its continuation.
_FEWEST_OTHERS = 2
# Any note may answer a question for a definition, as in "What is a sextant?".
_DEFINES = re.compile(
    r"^(?:What|Who)(?: or what)? (?:is|are|was|were) (?!(?:the|my|our|his|her)\b)"
)


class NotesByWord:
    """An index of notes by the stems of their words."""

    def __init__(self, passages: Iterable[Passage]) -> None:
        self._notes: defaultdict[str, set[int]] = defaultdict(set)
        for passage in passages:
            for word in own_stems(f"{passage.note_title} {passage.heading} {passage.text}"):
                self._notes[word].add(passage.note_id)

    def is_ambiguous(self, question: str, note: int) -> bool:
        """Whether a question about a note, by id, could be about several others.

        That is so if they have all its content words, or if it has none, as in "What is it?".
        """
        words = own_stems(question)
        if not words or _DEFINES.match(question):
            return not words
        notes = sorted((self._notes.get(word, set()) for word in words), key=len)
        return len(set.intersection(*notes) - {note}) >= _FEWEST_OTHERS
