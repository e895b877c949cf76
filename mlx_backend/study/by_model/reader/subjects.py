"""Whether a question says what it is about, judged by the words of all notes, in any language."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from mlx_backend.library.notes import Passage
from mlx_backend.text.words import folded_words

_USUAL = 0.2  # the share of notes from which on a word says nothing about what is meant
_FEW_NOTES = 10  # too few to tell usual words
_FEWEST_OWN = 2


class Subjects:
    """An index of the notes by their words."""

    def __init__(self, passages: Iterable[Passage]) -> None:
        self._notes: defaultdict[str, set[int]] = defaultdict(set)
        count = set()
        for passage in passages:
            count.add(passage.note_id)
            for word in _words(f"{passage.note_title} {passage.heading} {passage.text}"):
                self._notes[word].add(passage.note_id)
        self._usual = _USUAL * len(count) if len(count) >= _FEW_NOTES else len(count)

    def standing_alone(self, question: str, passage: Passage) -> str:
        """The question, after the title of its note where it could be about another note.

        That is so if others have all of its words that its own has, or if hardly any of these are
        words that only few notes have.
        """
        own = [w for w in _words(question) if passage.note_id in self._notes.get(w, ())]
        notes = [self._notes[word] for word in own]
        shared = set.intersection(*notes) if notes else {0, passage.note_id}
        rare = sum(len(there) <= self._usual for there in notes)
        if shared == {passage.note_id} and rare >= _FEWEST_OWN:
            return question
        named = _words(passage.note_title)
        if named and named <= _words(question):
            return question
        return f"{passage.note_title}: {question}"


def _words(text: str) -> set[str]:
    return set(folded_words(text))
