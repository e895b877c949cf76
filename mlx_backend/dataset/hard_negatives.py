"""Questions about things in the notes, asking of them what the notes do not say.

"Who won the regatta?" is one where the notes only say who came second in it: what is asked of one
thing, by a question that the notes do answer, is asked of another.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from itertools import chain

from mlx_backend.dataset.facts import StudiedPassage, names_in, titled_question
from mlx_backend.dataset.samples import NOT_SAID, Sample
from mlx_backend.library.notes import Passage
from mlx_backend.protocol import DECLINED
from mlx_backend.text.stems import own_stems, stems
from mlx_backend.text.synonyms import synonyms_of
from mlx_backend.text.words import folded_words

_THING = re.compile(
    r"\b(?:the|my|our) (?P<thing>[^\W\d_]+)(?=\?$| (?:in|on|at|by|with|for|from|to|of)\b)"
)
_TRIES = 6  # for each question wanted, because some have an answer after all


@dataclass(frozen=True)
class _Asked:
    """A question of study in two parts, and the thing that it asks about between them."""

    passage: Passage
    before: str
    thing: str
    after: str

    @property
    def role(self) -> tuple[bool, str]:
        """Whether the thing is a name, and the word before it: the same where it may stand."""
        return self.thing[0].isupper(), self.before.split(" ")[-2:][0].lower()

    def about(self, thing: str) -> str:
        """The same question about another thing."""
        return f"{self.before}{thing}{self.after}"


def hard_negatives(
    studied: Sequence[StudiedPassage],
    withheld: Set[tuple[str, str]],
    count: int,
    generator: random.Random,
) -> list[Sample]:
    """Up to `count` closed-book questions that the notes do not answer, to be declined.

    `withheld`: pairs of (prompt, answer) whose prompts are not asked of other things either.
    """
    prompts = {prompt for prompt, _ in withheld}
    asked = [question for each in studied for question in _questions(each, prompts)]
    notes = _Notes(studied)
    found: dict[str, Sample] = {}
    for _ in range(count * _TRIES if len(asked) > 1 else 0):
        if len(found) == count:
            break
        one, other = generator.sample(asked, 2)
        question = one.about(other.thing)
        if one.role == other.role and notes.are_silent(one, other.thing):
            passage, words_from = other.passage, one.passage.note_id
            others = (words_from,) if words_from != passage.note_id else ()
            found[question] = Sample(
                question, DECLINED, passage.note_id, passage.id, NOT_SAID, others=others
            )
    return list(found.values())


def _questions(each: StudiedPassage, withheld: Set[str]) -> Iterator[_Asked]:
    """The questions about a passage, in parts for each name and thing that they ask about.

    `withheld`: prompts that are not among them, with the title of the note before them or without.
    """
    names = list(dict.fromkeys(name for quoted in each.taught for name in names_in(quoted)))
    for stored in each.samples:
        question = stored.prompt
        titled = titled_question(each.passage.note_title, question)
        is_withheld = question in withheld or titled in withheld
        if not question.endswith("?") or not stored.key or stored.choice or is_withheld:
            continue
        places = [re.search(rf"(?<!\w){re.escape(name)}(?!\w)", question) for name in names]
        spans = [place.span() for place in places if place]
        spans += [place.span("thing") for place in _THING.finditer(question)]
        for start, end in spans:
            yield _Asked(each.passage, question[:start], question[start:end], question[end:])


class _Notes:
    """The stems of whole notes, to find those that may answer a question."""

    def __init__(self, studied: Sequence[StudiedPassage]) -> None:
        texts: defaultdict[int, list[str]] = defaultdict(list)
        for each in studied:
            passage = each.passage
            texts[passage.note_id] += [passage.note_title, passage.heading, passage.text]
        self._stems = {note: stems(" ".join(parts)) for note, parts in texts.items()}
        self._with: defaultdict[str, set[int]] = defaultdict(set)
        for note, words in self._stems.items():
            for word in words:
                self._with[word].add(note)

    def are_silent(self, asked: _Asked, thing: str) -> bool:
        """Whether no note with a thing has any word, or a synonym, of what is asked about another.

        Words that any question may have do not count; of others there has to be one.
        """
        wanted = own_stems(f"{asked.before} {asked.after}") - stems(thing)
        if not wanted or stems(thing) & stems(asked.thing):
            return False
        alike = chain.from_iterable(
            synonyms_of(word) for word in folded_words(f"{asked.before} {asked.after}")
        )
        told = wanted | stems(" ".join(alike))
        places = [self._with.get(word, set()) for word in stems(thing)]
        notes = set.intersection(*places) if places else set()
        return bool(notes) and not any(told & self._stems[note] for note in notes)
