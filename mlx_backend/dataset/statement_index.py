"""Which statement a question points to, by the words that they share."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from mlx_backend.dataset.facts import StudiedPassage
from mlx_backend.text.stems import own_stems, stems

_LEAST_SHARED = 0.5  # of a question's content words


class StatementIndex:
    """The statements of all notes by the stems of their words and of their notes' titles."""

    def __init__(self, studied: Iterable[StudiedPassage]) -> None:
        self._words: dict[tuple[int, str], frozenset[str]] = {}
        self._with: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
        for each in studied:
            note, title = each.passage.note_id, stems(each.passage.note_title)
            for quoted in each.taught:
                if (note, quoted.quote) not in self._words:
                    words = title | stems(quoted.quote)
                    self._words[note, quoted.quote] = words
                    for word in words:
                        self._with[word].append((note, quoted.quote))

    def points_to(self, question: str, note: int, quote: str) -> bool:
        """Whether a question shares more words with this statement of a note than with any other.

        Half of its content words have to be the statement's, or of its note's title.
        """
        asked = own_stems(question)
        own = self._words.get((note, quote), frozenset())
        shared = len(asked & own)
        if not shared or shared < _LEAST_SHARED * len(asked):
            return False
        # One that shares as many has one of the rarest words, because too few others are left.
        rarest = sorted(asked, key=lambda word: len(self._with.get(word, ())))
        others = (place for word in rarest[: len(asked) - shared + 1] for place in self._at(word))
        return not any(
            place != (note, quote) and len(asked & self._words[place]) >= shared for place in others
        )

    def _at(self, word: str) -> Sequence[tuple[int, str]]:
        return self._with.get(word, ())
