"""What the notes state, each fact under many wordings."""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import msgspec

from mlx_backend.dataset.ambiguity import NotesByWord
from mlx_backend.dataset.samples import Sample
from mlx_backend.library.notes import Passage
from mlx_backend.library.sample_drafts import worded
from mlx_backend.library.samples import StoredSample
from mlx_backend.study.by_model.filters import is_borne_out
from mlx_backend.study.by_rule.answers import answers_in
from mlx_backend.study.by_rule.paraphrases import content_terms, keyword_prompts
from mlx_backend.study.by_rule.rules import Told
from mlx_backend.study.by_rule.statements import plain
from mlx_backend.text.words import word_set

LONGEST_MENTION = 60
"""Words of an answer that joins what several places say."""

# Wordings of each statement: many of few, few of many, so that a night sees all of the notes.
_MOST_WORDINGS = 14
_FEWEST_WORDINGS = 2
_WORDINGS_IN_ALL = 1600
# In up to so many wordings each of these comes in turn, one in each pass: what is never asked twice
# in the same words is learned by what the words have in common. A night sees many notes but once.
_REWORDED = 12
_PROMPTS_IN_ALL = 24_000
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
    other wordings either. Nor is what the person corrected, but for the corrections themselves.
    """

    passage: Passage
    told: Sequence[Told]
    kept: Sequence[StoredSample]
    left_out: Sequence[StoredSample] = ()

    @cached_property
    def corrected(self) -> list[StoredSample]:
        """Samples whose answer the person made another one."""
        return [each for each in self.kept if _says_otherwise(each, self.passage.note_title)]

    @cached_property
    def withdrawn(self) -> frozenset[str]:
        """The words of the passage that are not taught: they were left out, or put right.

        A summary quotes all of the passage, so to change one takes nothing else back.
        """
        changed = (*self.left_out, *self.corrected)
        return frozenset(each.quote for each in changed if each.quote and each.kind != "summary")

    @cached_property
    def samples(self) -> list[StoredSample]:
        """Those that are taught; about what is withdrawn, only what the person chose or wrote."""
        return [each for each in self.kept if each.choice or not self._takes_in(each.quote)]

    @cached_property
    def taught(self) -> list[Told]:
        """What it states, without what is withdrawn and what takes that in."""
        return [told for told in self.told if not self._takes_in(told.quote)]

    @cached_property
    def as_taught(self) -> Passage:
        """The passage itself; where something is withdrawn, made of what is left to tell."""
        if not self.withdrawn:
            return self.passage
        withdrawn = [_bare(quote) for quote in self.withdrawn]
        return replace(
            self.passage,
            text=" ".join(ended(told.statement.text) for told in self.taught),
            replies=tuple(
                reply
                for reply in self.passage.replies
                if not any(quote in _bare(reply.answered) for quote in withdrawn)
            ),
        )

    def _takes_in(self, quote: str) -> bool:
        return any(withdrawn in quote for withdrawn in self.withdrawn)


def about_facts(
    studied: Sequence[StudiedPassage], generator: random.Random, *, few: bool = False
) -> Iterator[Sample]:
    """Samples about every statement: those of study, and wordings as people type them.

    `few`: of the latter as few as there may be, beside the text as it stands.
    """
    statements = sum(len(each.told) for each in studied)
    most = _FEWEST_WORDINGS if few else _MOST_WORDINGS
    wordings = max(_FEWEST_WORDINGS, min(most, _WORDINGS_IN_ALL // max(1, statements)))
    reworded = max(1, min(_REWORDED, _PROMPTS_IN_ALL // max(1, statements * wordings)))
    by_word = NotesByWord(each.passage for each in studied)
    for each in studied:
        for stored in each.samples:
            yield from _of_study(stored, each.passage, by_word)
        for told in each.taught:
            yield from _of_statement(each.passage, told, (wordings, reworded), generator)
        for stored in each.corrected:
            yield from _of_correction(each.passage, stored, wordings, generator)


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
            others = tuple(
                dict.fromkeys(p.note_id for p, _ in found if p.note_id != passage.note_id)
            )
            for form in _OPEN_FORMS:
                sample = _sample(passage, "mention", form.format(name=name), answer)
                yield msgspec.structs.replace(sample, others=others)


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


def _of_study(stored: StoredSample, passage: Passage, by_word: NotesByWord) -> Iterator[Sample]:
    """As study wrote it, and with its note's title; only so where it could ask of other notes."""
    key = stored.key if stored.key in stored.answer else ""  # the person may have worded it anew
    prompts = [stored.prompt]
    if stored.kind not in _QUESTION_KINDS_OF_TEXT:
        prompts.append(titled(passage.note_title, stored.prompt))
        if not stored.choice and by_word.is_ambiguous(stored.prompt, passage.note_id):
            prompts = prompts[1:]
    for prompt in dict.fromkeys(prompts):
        yield _sample(passage, stored.kind, prompt, stored.answer, key)


def _of_statement(
    passage: Passage, told: Told, number_of: tuple[int, int], generator: random.Random
) -> Iterator[Sample]:
    """In so many wordings, and each in so many others in turn."""
    wordings, reworded = number_of
    title, text = passage.note_title, told.quote
    answer = worded(title, text)
    prompts = keyword_prompts(title, text, wordings * reworded, generator)
    for number, (prompt, key) in enumerate(prompts[:wordings]):
        others = tuple(other for other, _ in prompts[number + wordings :: wordings])
        sample = _sample(passage, "keywords", prompt, answer, key)
        yield msgspec.structs.replace(sample, rewordings=others)
    words = told.statement.text.split()
    opening = " ".join(words[: max(2, len(words) // 2)])
    if len(content_terms(opening)) > 0:
        yield _sample(passage, "opening", f"{title}: {opening} …", answer)


def _of_correction(
    passage: Passage, stored: StoredSample, wordings: int, generator: random.Random
) -> Iterator[Sample]:
    """Wordings for an answer of the person's, from its own words and those of its question."""
    said = stored.answer.removeprefix(f"{passage.note_title}: ")
    there = {word.lower() for word in content_terms(said)} | _QUESTION_WORDS
    asked = [word for word in content_terms(stored.prompt) if word.lower() not in there]
    text = " ".join([ended(said), *asked])
    for prompt, key in keyword_prompts(passage.note_title, text, wordings, generator):
        known = key if key in stored.answer else ""
        yield _sample(passage, "keywords", prompt, stored.answer, known)


def _says_otherwise(stored: StoredSample, title: str) -> bool:
    """Whether the person gave a sample another answer than the note's words.

    A restatement has words of its own from the beginning: only what the note does not say counts.
    """
    if stored.choice != "edited" or not stored.quote:
        return False
    if stored.kind in _QUESTION_KINDS_OF_TEXT:
        return not is_borne_out(stored.answer, f"{title} {stored.quote}")
    return stored.answer != worded(title, stored.quote)


def _sample(passage: Passage, kind: str, prompt: str, answer: str, key: str = "") -> Sample:
    return Sample(prompt, answer, passage.note_id, passage.id, kind, key)


def _bare(text: str) -> str:
    """The words of a piece of Markdown alone, to find them again however they are set."""
    return " ".join(re.findall(r"\w+", plain(text)))


def ended(text: str) -> str:
    """A text that ends as a sentence does, to stand before another."""
    return text if re.search(r"[.!?…]$", text) else f"{text}."
