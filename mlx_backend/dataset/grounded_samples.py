"""Samples that teach answering from passages in the prompt: with a citation, or by declining."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence, Set
from functools import cache
from importlib import resources

import msgspec

from mlx_backend.asking.grounding import Source, cited, grounded_prompt
from mlx_backend.asking.retrieval import BEST
from mlx_backend.dataset.facts import StudiedPassage, names_in
from mlx_backend.dataset.samples import Sample
from mlx_backend.library.sample_drafts import titled_answer
from mlx_backend.library.stored_samples import StoredSample
from mlx_backend.protocol import DECLINED
from mlx_backend.study.by_rule.statements import plain
from mlx_backend.text.answer_matching import is_right
from mlx_backend.text.stems import stems
from mlx_backend.text.words import bare_words

# The share of the samples from the notes that the passages do not answer.
_UNANSWERABLE = 0.35
_WHATEVER_ELSE = (
    "How old is {}?",
    "What colour is {}?",
    "What is the phone number of {}?",
    "Where did {} study?",
    "When was {} founded?",
    "How tall is {}?",
    "What is the surname of {}?",
    "Who designed {}?",
    "What does {} weigh?",
    "Where was {} born?",
    "What is the serial number of {}?",
    "Who is married to {}?",
    "Why was {} chosen?",
    "What is the email address of {}?",
    "How long has {} been here?",
)


class Lesson(msgspec.Struct, frozen=True):
    """A short text that ships with the app.

    answered: pairs of a question and the quote that answers it. not_answered: other questions.
    """

    title: str
    text: str
    answered: tuple[tuple[str, str], ...]
    not_answered: tuple[str, ...]


@cache
def lessons() -> tuple[Lesson, ...]:
    """The texts of `resources/reading.jsonl`."""
    lines = (resources.files("resources") / "reading.jsonl").read_text(encoding="utf-8")
    return tuple(msgspec.json.decode(line, type=Lesson) for line in lines.splitlines())


def reading_lessons(count: int, generator: random.Random) -> list[Sample]:
    """Up to `count` samples about the lessons, not about the person's notes."""
    items = [
        (lesson, question, quote)
        for lesson in lessons()
        for question, quote in (*lesson.answered, *((q, "") for q in lesson.not_answered))
    ]
    chosen = generator.sample(items, min(count, len(items)))
    return [_of_lesson(*each, generator) for each in chosen]


def from_notes(
    studied: Sequence[StudiedPassage],
    withheld: Set[tuple[str, str]],
    count: int,
    generator: random.Random,
) -> Iterator[Sample]:
    """Up to `count` samples about the person's notes; the passages do not answer some of them.

    `withheld`: pairs of (prompt, answer) that must not be trained.
    """
    notes: defaultdict[int, list[StudiedPassage]] = defaultdict(list)
    for each in studied:
        notes[each.passage.note_id].append(each)
    asked = [
        (each, stored)
        for each in studied
        for stored in each.samples
        if stored.key
        and stored.quote not in {"", *each.withdrawn}  # the passage does not have the correction
        and (stored.prompt, stored.answer) not in withheld
    ]
    others = _OtherQuestions(studied)
    for each, stored in generator.sample(asked, min(count, len(asked))):
        if generator.random() < _UNANSWERABLE:
            sample = _unanswerable(each, stored, others, generator)
        else:
            sample = _answerable(each, stored, notes[each.passage.note_id], generator)
        if sample is not None:
            yield sample


def not_in_notes(
    studied: Sequence[StudiedPassage], count: int, generator: random.Random
) -> list[Sample]:
    """Up to `count` closed-book questions that the notes do not answer, to be declined."""
    places = [(each, name) for each in studied for name in _names(each)]
    chosen = generator.sample(places, min(count, len(places)))
    others = _OtherQuestions(studied)
    found = []
    for each, name in chosen:
        question = others.about(name, generator)
        if question:
            passage = each.passage
            found.append(Sample(question, DECLINED, passage.note_id, passage.id, "not in notes"))
    return found


def _of_lesson(lesson: Lesson, question: str, quote: str, generator: random.Random) -> Sample:
    others = generator.sample(lessons(), generator.randint(0, BEST - 1))
    shown = [lesson, *(other for other in others if other is not lesson)]
    generator.shuffle(shown)
    prompt = grounded_prompt([Source(each.title, each.text) for each in shown], question)
    answer = DECLINED
    if quote:
        answer = cited(titled_answer(lesson.title, plain(quote)), shown.index(lesson) + 1)
    return Sample(prompt, answer, 0, 0, "reading")


def _answerable(
    each: StudiedPassage,
    stored: StoredSample,
    note: Sequence[StudiedPassage],
    generator: random.Random,
) -> Sample:
    """A question after its passage and others of the same note, which are the most alike.

    Never after passages of other notes, because a sample must disclose no other note.
    """
    passage = each.as_taught
    own = Source(passage.note_title, passage.text)
    others = [o.as_taught for o in note if o.passage.id != passage.id and o.as_taught.text]
    chosen = generator.sample(others, min(len(others), generator.randint(0, BEST - 1)))
    shown = [own, *(Source(other.note_title, other.text) for other in chosen)]
    generator.shuffle(shown)
    answer = cited(stored.answer, shown.index(own) + 1)
    prompt = grounded_prompt(shown, stored.prompt)
    return Sample(prompt, answer, passage.note_id, passage.id, "grounded")


def _unanswerable(
    each: StudiedPassage,
    stored: StoredSample,
    others: _OtherQuestions,
    generator: random.Random,
) -> Sample | None:
    """A question after its passage without the answer, or after a passage that never had one."""
    passage, question = each.as_taught, stored.prompt
    names = _names(each)
    if names and generator.random() < 0.5:
        text = passage.text
        question = others.about(generator.choice(names), generator)
    else:
        rest = [t.statement.text for t in each.taught if t.statement.text not in stored.quote]
        text = " ".join(rest)
        if is_right(text, (stored.key,)):
            return None
    if not question or not text.strip():
        return None
    prompt = grounded_prompt([Source(passage.note_title, text)], question)
    return Sample(prompt, DECLINED, passage.note_id, passage.id, "declined")


def _names(each: StudiedPassage) -> list[str]:
    return list(dict.fromkeys(name for quoted in each.taught for name in names_in(quoted)))


class _OtherQuestions:
    """Questions about a name that no passage with that name answers."""

    def __init__(self, studied: Sequence[StudiedPassage]) -> None:
        self._texts: defaultdict[str, list[str]] = defaultdict(list)
        for each in studied:
            for word in set(bare_words(each.passage.text)):
                self._texts[word].append(each.passage.text)

    def about(self, name: str, generator: random.Random) -> str:
        """A random question about a name; "" if the passages might answer all of them."""
        words = bare_words(name)
        texts = (text for text in self._texts[words[0]] if name in text) if words else ()
        there = frozenset(stem for text in texts for stem in stems(text))
        forms = [form for form in _WHATEVER_ELSE if not _asks_of(form) & there]
        return generator.choice(forms).format(name) if forms else ""


@cache
def _asks_of(form: str) -> frozenset[str]:
    return stems(form.replace("{}", "")) - stems(
        "how what where when who why is was the of did has been does to here"
    )
