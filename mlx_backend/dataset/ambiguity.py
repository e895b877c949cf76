"""Which questions could be about several notes, and so have to name theirs."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable

from mlx_backend.library.notes import Passage
from mlx_backend.text.stems import own_stems

# Fewer others may be copies of the note, or go on with it.
_FEWEST_OTHERS = 2
# Asked for what something is at all, as in "What is a sextant?", any note may answer.
_DEFINES = re.compile(
    r"^(?:What|Who)(?: or what)? (?:is|are|was|were) (?!(?:the|my|our|his|her)\b)"
)


class NotesByWord:
    """The notes in which each word stands, in any of its forms."""

    def __init__(self, passages: Iterable[Passage]) -> None:
        self._notes: defaultdict[str, set[int]] = defaultdict(set)
        for passage in passages:
            for word in own_stems(f"{passage.note_title} {passage.heading} {passage.text}"):
                self._notes[word].add(passage.note_id)

    def is_ambiguous(self, question: str, note: int) -> bool:
        """Whether all words of a question about a note stand in several others, too.

        "What is the default?" asks for nothing that anyone could know by itself.
        """
        words = own_stems(question)
        if not words or _DEFINES.match(question):
            return not words
        notes = sorted((self._notes.get(word, set()) for word in words), key=len)
        return len(set.intersection(*notes) - {note}) >= _FEWEST_OTHERS
