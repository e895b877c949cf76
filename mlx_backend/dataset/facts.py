"""Samples about the facts in the notes, each fact in many wordings."""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, replace
from functools import cached_property

import msgspec

from mlx_backend.dataset.ambiguity import NotesByWord
from mlx_backend.dataset.same_words import overlap
from mlx_backend.dataset.samples import KEYWORDS, Sample, fact_of
from mlx_backend.library.notes import Passage
from mlx_backend.library.sample_drafts import titled_answer
from mlx_backend.library.stored_samples import StoredSample
from mlx_backend.study.by_model.filters import is_supported
from mlx_backend.study.by_rule.answers import answers_in
from mlx_backend.study.by_rule.keyword_prompts import content_terms, keyword_prompts
from mlx_backend.study.by_rule.rule_writer import QuotedStatement
from mlx_backend.text.answer_matching import is_right
from mlx_backend.text.words import word_set

LONGEST_MENTION = 60
"""Most words of an answer that joins statements from several places."""

# Wordings of each statement: fewer where there are many statements, so that a night sees all notes.
MOST_WORDINGS, FEWEST_WORDINGS = 14, 2
_WORDINGS_IN_ALL = 1600
# Each of these has up to 12 rewordings, one for each pass: a model generalises better over a fact
# that it never sees twice in the same words. With many notes there are few passes, and fewer do.
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
    """A passage with what it states, and the samples that study wrote about it and kept.

    left_out: samples that the person does not want trained. The words that they quote are not
    taught in other wordings either; nor are those of samples that the person corrected.
    crooked: questions that filters dropped for what they ask in which words, not for their answer.
    answers_kept: ids of samples that the person edited, but not the answer that a model wrote.
    """

    passage: Passage
    stated: Sequence[QuotedStatement]
    kept: Sequence[StoredSample]
    left_out: Sequence[StoredSample] = ()
    crooked: Sequence[StoredSample] = ()
    answers_kept: Set[int] = frozenset()

    @cached_property
    def corrected(self) -> list[StoredSample]:
        """Samples to which the person gave another answer."""
        edited = (each for each in self.kept if each.id not in self.answers_kept)
        return [each for each in edited if _says_otherwise(each, self.passage.note_title)]

    @cached_property
    def withdrawn(self) -> frozenset[str]:
        """Quotes that are not taught, because their samples were left out or corrected.

        Not those of summaries, which quote all of the passage.
        """
        changed = (*self.left_out, *self.corrected)
        return frozenset(each.quote for each in changed if each.quote and each.kind != "summary")

    @cached_property
    def samples(self) -> list[StoredSample]:
        """The samples that are taught; of withdrawn quotes, only those that the person changed."""
        return [each for each in self.kept if each.choice or not self.takes_in(each.quote)]

    @cached_property
    def taught(self) -> list[QuotedStatement]:
        """The statements that are taught: those that hold no withdrawn quote."""
        return [quoted for quoted in self.stated if not self.takes_in(quoted.quote)]

    @cached_property
    def as_taught(self) -> Passage:
        """The passage; where a quote is withdrawn, only the statements and replies without it."""
        if not self.withdrawn:
            return self.passage
        return replace(
            self.passage,
            text=" ".join(ended(quoted.statement.text) for quoted in self.taught),
            replies=tuple(
                reply for reply in self.passage.replies if not self.takes_in(reply.answered)
            ),
        )

    def takes_in(self, quote: str) -> bool:
        """Whether a quote has words that are withdrawn."""
        return any(overlap(withdrawn, quote) for withdrawn in self.withdrawn)


def about_facts(
    studied: Sequence[StudiedPassage], generator: random.Random, most: int = MOST_WORDINGS
) -> Iterator[Sample]:
    """Samples about every statement: those of study, and `most` keyword prompts of each at most."""
    statements = sum(len(each.stated) for each in studied)
    wordings = max(FEWEST_WORDINGS, min(most, _WORDINGS_IN_ALL // max(1, statements)))
    reworded = max(1, min(_REWORDED, _PROMPTS_IN_ALL // max(1, statements * wordings)))
    number_of = (wordings, reworded)
    by_word = NotesByWord(each.passage for each in studied)
    for each in studied:
        for stored in each.samples:
            yield from _of_study(stored, each.passage, by_word)
        around = ["", *(quoted.statement.text for quoted in each.taught), ""]
        for quoted, before, after in zip(each.taught, around, around[2:], strict=False):
            beside = f"{before} {after} {each.passage.heading.rpartition(' › ')[2]}"
            yield from _of_statement(each.passage, quoted, beside, number_of, generator)
        for stored in each.corrected:
            yield from _of_correction(each.passage, stored, wordings, generator)


def about_names(studied: Sequence[StudiedPassage]) -> Iterator[Sample]:
    """Samples about names that occur in several statements: they answer with all of these."""
    places: defaultdict[str, list[tuple[Passage, str]]] = defaultdict(list)
    for each in studied:
        for quoted in each.taught:
            for name in names_in(quoted):
                places[name].append((each.passage, quoted.quote))
    for name, found in places.items():
        quotes = dict.fromkeys((p.note_title, quote) for p, quote in found)
        if len(quotes) < 2 or len(quotes) > _MENTIONED:
            continue
        answer = " ".join(ended(titled_answer(title, quote)) for title, quote in quotes)
        if len(answer.split()) <= LONGEST_MENTION:
            passage = found[0][0]
            others = tuple(
                dict.fromkeys(p.note_id for p, _ in found if p.note_id != passage.note_id)
            )
            for form in _OPEN_FORMS:
                sample = _sample(passage, "mention", form.format(name=name), answer)
                yield msgspec.structs.replace(sample, others=others)


def names_in(quoted: QuotedStatement) -> list[str]:
    """The names in a statement, in order."""
    found = (answer.key for answer in answers_in(quoted.statement.text) if answer.kind == "name")
    return list(dict.fromkeys(found))


def titled_question(title: str, question: str) -> str:
    """A question that begins with the title of its note, unless it has the title already."""
    if title.casefold() in question.casefold():
        return question
    first, _, rest = question.partition(" ")
    first = first.lower() if first.lower() in _QUESTION_WORDS else first
    return f"{title}: {first} {rest}"


def _of_study(stored: StoredSample, passage: Passage, by_word: NotesByWord) -> Iterator[Sample]:
    """A sample as study wrote it, and with its note's title; only the latter where ambiguous."""
    is_there = stored.key.casefold() in stored.answer.casefold()
    key = stored.key if is_there else ""  # else reworded by the person
    prompts = [stored.prompt]
    if stored.kind not in _QUESTION_KINDS_OF_TEXT:
        prompts.append(titled_question(passage.note_title, stored.prompt))
        if not stored.choice and by_word.is_ambiguous(stored.prompt, passage.note_id):
            prompts = prompts[1:]
    for prompt in dict.fromkeys(prompts):
        yield _sample(passage, stored.kind, prompt, stored.answer, key, quote=stored.quote)


def _of_statement(
    passage: Passage,
    quoted: QuotedStatement,
    beside: str,
    number_of: tuple[int, int],
    generator: random.Random,
) -> Iterator[Sample]:
    """Keyword prompts and an opening to complete.

    `beside` is what stands beside the statement, `number_of` (wordings, rewordings of each).
    """
    title, text = passage.note_title, quoted.quote
    answer = titled_answer(title, text)
    for asked in keyword_prompts(title, text, number_of, generator, beside):
        first, *others = asked.prompts
        sample = _sample(passage, KEYWORDS, first, answer, asked.key, quote=text)
        yield msgspec.structs.replace(sample, rewordings=tuple(others))
    words = quoted.statement.text.split()
    opening = " ".join(words[: max(2, len(words) // 2)])
    if len(content_terms(opening)) > 0:
        yield _sample(passage, "opening", f"{title}: {opening} …", answer, quote=text)


def _of_correction(
    passage: Passage, stored: StoredSample, wordings: int, generator: random.Random
) -> Iterator[Sample]:
    """Keyword prompts for a corrected answer, from its words and those of its question."""
    said = stored.answer.removeprefix(f"{passage.note_title}: ")
    there = {word.lower() for word in content_terms(said)} | _QUESTION_WORDS
    asked = [word for word in content_terms(stored.prompt) if word.lower() not in there]
    text = " ".join([ended(said), *asked])
    for each in keyword_prompts(passage.note_title, text, (wordings, 1), generator):
        known = each.key if each.key in stored.answer else ""
        (prompt,) = each.prompts
        yield _sample(passage, KEYWORDS, prompt, stored.answer, known, quote=stored.quote)


def _says_otherwise(stored: StoredSample, title: str) -> bool:
    """Whether the person gave a sample an answer that the note's words do not give.

    A restatement or summary may have other words, as long as the quote supports them.
    """
    if stored.choice != "edited" or not stored.quote:
        return False
    if stored.kind in _QUESTION_KINDS_OF_TEXT:
        return not is_supported(stored.answer, f"{title} {stored.quote}")
    return stored.answer != titled_answer(title, stored.quote)


def _sample(
    passage: Passage, kind: str, prompt: str, answer: str, key: str = "", *, quote: str = ""
) -> Sample:
    """A sample about a passage; `quote` is what states its fact, "" for no single fact."""
    fact = fact_of(passage.note_id, quote) if quote else ""
    return Sample(prompt, answer, passage.note_id, passage.id, kind, key, fact=fact)


def tells_any(sample: Sample | StoredSample, keys: Set[str]) -> bool:
    """Whether a sample has one of the keys of others in its question or answer."""
    told = tuple(key for key in keys if key)
    return bool(told) and is_right(f"{sample.prompt} {sample.answer}", told)


def ended(text: str) -> str:
    """A text with a full stop, unless it ends a sentence already."""
    return text if re.search(r"[.!?…]$", text) else f"{text}."
