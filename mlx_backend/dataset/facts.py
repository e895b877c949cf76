"""What the notes state, each fact under many wordings."""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mlx_backend.dataset.samples import Sample
from mlx_backend.library.notes import Passage
from mlx_backend.study.answers import answers_in
from mlx_backend.study.drafts import worded
from mlx_backend.study.rules import Told
from mlx_backend.study.store import StoredSample
from mlx_backend.study.wordings import content_terms, keyword_prompts
from mlx_backend.words import word_set

LONGEST_MENTION = 60
"""Words of an answer that joins what several places say."""

# Wordings of each statement: many of few, few of many, so that a night sees all of the notes.
_MOST_WORDINGS = 14
_FEWEST_WORDINGS = 2
_WORDINGS_IN_ALL = 1600
_MENTIONED = 4
_QUESTION_KINDS_OF_TEXT = frozenset({"restated", "summary"})
_QUESTION_WORDS = word_set("what who whom whose when where why how which at on in")
_OPEN_FORMS = (
    "What do my notes say about {name}?",
    "Who or what is {name}?",
    "Tell me about {name}.",
)


@dataclass(frozen=True)
class StudiedPassage:
    """A passage with what it states and the samples that study wrote about it and kept.

    `left_out` are those that the person does not want trained: what they are about is not taught in
    other wordings either.
    """

    passage: Passage
    told: Sequence[Told]
    samples: Sequence[StoredSample]
    left_out: Sequence[StoredSample] = ()

    @property
    def taught(self) -> list[Told]:
        """What it states, without what the person left out and what takes that in."""
        left_out = {sample.quote for sample in self.left_out if sample.quote}
        return [told for told in self.told if not any(quote in told.quote for quote in left_out)]


def about_facts(studied: Sequence[StudiedPassage], generator: random.Random) -> Iterator[Sample]:
    """Samples about every statement: those of study, and wordings as people type them."""
    statements = sum(len(each.told) for each in studied)
    wordings = max(_FEWEST_WORDINGS, min(_MOST_WORDINGS, _WORDINGS_IN_ALL // max(1, statements)))
    for each in studied:
        for stored in each.samples:
            yield from _of_study(stored, each.passage)
        for told in each.taught:
            yield from _of_statement(each.passage, told, wordings, generator)


def about_names(studied: Sequence[StudiedPassage]) -> Iterator[Sample]:
    """Samples about names that come up in several places: all that the notes say of each."""
    places: defaultdict[str, list[tuple[Passage, str]]] = defaultdict(list)
    for each in studied:
        for told in each.taught:
            for name in names_in(told):
                places[name].append((each.passage, told.quote))
    for name, found in places.items():
        quotes = dict.fromkeys((p.note_title, quote) for p, quote in found)
        if len(quotes) < 2 or len(quotes) > _MENTIONED:
            continue
        answer = " ".join(ended(worded(title, quote)) for title, quote in quotes)
        if len(answer.split()) <= LONGEST_MENTION:
            passage = found[0][0]
            for form in _OPEN_FORMS:
                yield _sample(passage, "mention", form.format(name=name), answer)


def names_in(told: Told) -> list[str]:
    """The names in a statement, in order."""
    found = (answer.key for answer in answers_in(told.statement.text) if answer.kind == "name")
    return list(dict.fromkeys(found))


def titled(title: str, question: str) -> str:
    """A question that says which note it is about."""
    if title.casefold() in question.casefold():
        return question
    first, _, rest = question.partition(" ")
    first = first.lower() if first.lower() in _QUESTION_WORDS else first
    return f"{title}: {first} {rest}"


def _of_study(stored: StoredSample, passage: Passage) -> Iterator[Sample]:
    key = stored.key if stored.key in stored.answer else ""  # the person may have worded it anew
    yield _sample(passage, stored.kind, stored.prompt, stored.answer, key)
    if stored.kind not in _QUESTION_KINDS_OF_TEXT:
        prompt = titled(passage.note_title, stored.prompt)
        if prompt != stored.prompt:
            yield _sample(passage, stored.kind, prompt, stored.answer, key)


def _of_statement(
    passage: Passage, told: Told, wordings: int, generator: random.Random
) -> Iterator[Sample]:
    title, text = passage.note_title, told.quote
    answer = worded(title, text)
    for prompt, key in keyword_prompts(title, text, wordings, generator):
        yield _sample(passage, "keywords", prompt, answer, key)
    words = told.statement.text.split()
    opening = " ".join(words[: max(2, len(words) // 2)])
    if len(content_terms(opening)) > 0:
        yield _sample(passage, "opening", f"{title}: {opening} …", answer)


def _sample(passage: Passage, kind: str, prompt: str, answer: str, key: str = "") -> Sample:
    return Sample(prompt, answer, passage.note_id, passage.id, kind, key)


def ended(text: str) -> str:
    """A text that ends as a sentence does, to stand before another."""
    return text if re.search(r"[.!?…]$", text) else f"{text}."
