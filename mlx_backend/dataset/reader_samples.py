"""The samples for a base model that reads: what it wrote itself about the passages, in its words.

Each sample that the model wrote, or that the person edited or chose to keep, is trained in two
forms. Closed book: the question alone, with or without the title of its note; the prompt with the
passage in view goes along, for the base model as teacher (`training/distillation.py`). Grounded,
for some: the question after the right passage and one to three others, answered with the citation;
where the right passage is not there, it is declined (RAFT, Zhang et al., arXiv 2403.10131: right
passage absent in 20 to 40 percent). Where it is there, the base model is the teacher as well, with
the same prompt: what it reads well already it should go on reading as it does.

A reader does not write about everything, least of all in a short night. So each statement is also
learned in the note's own words, and what rules ask for, unless its own samples do (`beside`).
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, replace
from functools import cached_property

from mlx_backend.asking.grounding import Source, cited, grounded_prompt
from mlx_backend.dataset import facts
from mlx_backend.dataset.facts import StudiedPassage
from mlx_backend.dataset.same_words import overlap
from mlx_backend.dataset.samples import Sample, fact_of
from mlx_backend.library.sample_drafts import GENRES, OF_TWO_PASSAGES, RULES, titled_answer
from mlx_backend.library.stored_samples import StoredSample
from mlx_backend.protocol import DECLINED
from mlx_backend.text.answer_matching import is_right
from mlx_backend.text.stems import own_stems

GROUNDED, GROUNDED_DECLINED = "grounded", "declined"

_OF_SENTENCES = GENRES[:2]  # the others have keys of several things
_ABSENT = 0.2
_MOST_VARIANTS = 4  # of a question, among other passages each time
_MOST_OTHERS = 3
_NEAREST = 8  # passages most like the question, of which the others are drawn
_COMMON = 200  # passages; a word in more of them tells nothing of any
_HALF = 0.5
# Bytes (UTF-8) of all passages of a prompt, so that its answer still fits into a row of 512 tokens:
# tokenizers of readers make at most 0.28 tokens of a byte of German, Russian or Chinese.
_MOST_BYTES = 1_350


@dataclass(frozen=True)
class _Asked:
    """A sample in the library with its passage; `is_own`: in the model's or the person's words."""

    place: int
    studied: StudiedPassage
    stored: StoredSample
    is_own: bool

    @property
    def prompt(self) -> str:
        """The question; a rule's is about its note only with the note's title."""
        return self.stored.prompt if self.stored.writer != RULES else self.titled_prompt

    @property
    def titled_prompt(self) -> str:
        """The question with the title of its note."""
        return facts.titled_question(self.studied.passage.note_title, self.stored.prompt)

    @property
    def answer(self) -> str:
        """The answer in the model's or the person's words, or what a rule's quotes."""
        return self.stored.answer if self.is_own else self.stored.quote

    @property
    def quote(self) -> str:
        """The words of the passage that bear it out; "" where the person says otherwise."""
        is_changed = self.stored in self.studied.corrected
        is_changed = is_changed or self.studied.takes_in(self.stored.quote)
        return "" if is_changed else self.stored.quote

    @property
    def is_borne_out(self) -> bool:
        """Whether its passage alone bears it out, so that a model can read the answer there."""
        return bool(self.quote) and self.stored.kind not in OF_TWO_PASSAGES


class ReaderSamples:
    """The samples of a model that reads, called `writer` as in the library."""

    def __init__(self, studied: Sequence[StudiedPassage], writer: str) -> None:
        self._studied = studied
        self._asked = list(_asked(studied, writer))
        self._near = _NearPassages(studied)

    @cached_property
    def asked(self) -> list[StudiedPassage]:
        """The passages with the samples that are trained: its own, and what rules ask beside."""
        kept: defaultdict[int, list[StoredSample]] = defaultdict(list)
        for each in self._asked:
            stored = replace(each.stored, prompt=each.prompt, answer=each.answer)
            kept[each.place].append(stored)
        return [
            replace(each, kept=[*kept[place], *self.beside[place].kept])
            for place, each in enumerate(self._studied)
        ]

    @cached_property
    def beside(self) -> list[StudiedPassage]:
        """The passages with the rules' samples that ask for something else than its own."""
        own: defaultdict[int, list[StoredSample]] = defaultdict(list)
        for each in self._asked:
            own[each.place].append(each.stored)
        return [_beside(each, own[place]) for place, each in enumerate(self._studied)]

    def closed_book(self) -> Iterator[Sample]:
        """A question for each sample."""
        return map(_closed_book, self._asked)

    def grounded(
        self, withheld: Set[tuple[str, str]], words: int, generator: random.Random
    ) -> Iterator[Sample]:
        """Questions with passages before them, about as many as make so many words in all.

        `withheld`: pairs of (prompt, answer) that must not be trained.
        """
        asked = [
            each
            for each in self._asked
            if each.is_borne_out and (each.prompt, each.answer) not in withheld
        ]
        # The same few prompts in every pass would be learned by heart, the declined ones above all.
        prompts: set[str] = set()
        for _ in range(_MOST_VARIANTS):
            for each in generator.sample(asked, len(asked)):
                if words <= 0:
                    return
                sample = self._grounded(each, generator)
                if sample is not None and sample.prompt not in prompts:
                    prompts.add(sample.prompt)
                    words -= len(sample.prompt.split()) + len(sample.answer.split())
                    yield sample

    def open_book(self, questions: Sequence[Sample], generator: random.Random) -> Iterator[Sample]:
        """Questions for the exam with passages before them: with the right one, and without it.

        The latter have no key and are to be declined. Left out is what the passage does not answer.
        """
        places = {each.passage.id: place for place, each in enumerate(self._studied)}
        for asked in questions:
            place = places[asked.passage]
            text = self._studied[place].as_taught.text
            others = self._near.to(asked.prompt, place, asked.key)
            if not is_right(text, (asked.key,)) or not others:
                continue
            wanted = generator.sample(others, min(len(others), generator.randint(1, _MOST_OTHERS)))
            beside = self._fitting(wanted, _size(text) + _size(asked.prompt))
            told = generator.sample([place, *beside], 1 + len(beside))
            yield self._open_book(asked, told, GROUNDED)
            yield self._open_book(asked, wanted, GROUNDED_DECLINED)

    def _open_book(self, asked: Sample, shown: Sequence[int], kind: str) -> Sample:
        is_told = kind == GROUNDED
        others = tuple(dict.fromkeys(n for n in self._notes(shown) if n != asked.note))
        return Sample(
            self._prompt(asked.prompt, shown),
            asked.answer if is_told else DECLINED,
            asked.note,
            asked.passage,
            kind,
            asked.key if is_told else "",
            others=(*others, *asked.others),
            fact=asked.fact,
        )

    def _grounded(self, each: _Asked, generator: random.Random) -> Sample | None:
        is_absent = generator.random() < _ABSENT
        right = self._studied[each.place].as_taught
        others = self._near.to(each.prompt, each.place, each.stored.key)
        wanted = generator.randint(1, _MOST_OTHERS)
        chosen = generator.sample(others, min(wanted, len(others)))
        if is_absent:
            return self._absent(each, chosen, generator)
        shown = [each.place, *self._fitting(chosen, _size(right.text) + _size(each.prompt))]
        generator.shuffle(shown)
        answer = cited(each.answer, shown.index(each.place) + 1)
        return _about(each, self._prompt(each.prompt, shown), answer, GROUNDED, self._notes(shown))

    def _absent(
        self, each: _Asked, others: Sequence[int], generator: random.Random
    ) -> Sample | None:
        """The same without an answer: among other passages, or in its passage without the words."""
        passage = self._studied[each.place].as_taught
        rest = passage.text.replace(each.quote, " ")
        is_gone = each.stored.key and rest != passage.text
        is_gone = is_gone and rest.strip() and not is_right(rest, (each.stored.key,))
        if is_gone and (not others or generator.random() < _HALF):
            source = Source(passage.note_title, " ".join(rest.split()))
            prompt = grounded_prompt([source], each.prompt)
            return _about(each, prompt, DECLINED, GROUNDED_DECLINED, ())
        # Without a key nobody knows what in the same note would be an answer.
        note = passage.note_id
        strange = [p for p in others if self._studied[p].passage.note_id != note]
        shown = self._fitting(list(others) if each.stored.key else strange, _size(each.prompt))
        if not shown:
            return None
        prompt = self._prompt(each.prompt, shown)
        return _about(each, prompt, DECLINED, GROUNDED_DECLINED, self._notes(shown))

    def _prompt(self, question: str, shown: Sequence[int]) -> str:
        passages = (self._studied[place].as_taught for place in shown)
        return grounded_prompt([Source(p.note_title, p.text) for p in passages], question)

    def _notes(self, shown: Sequence[int]) -> tuple[int, ...]:
        return tuple(self._studied[place].passage.note_id for place in shown)

    def _fitting(self, places: Sequence[int], size: int) -> list[int]:
        """The first passages that fit beside `size` bytes."""
        found = []
        for place in places:
            size += _size(self._studied[place].as_taught.text)
            if size <= _MOST_BYTES:
                found.append(place)
        return found


class _NearPassages:
    """Finds passages that share words with a question: what retrieval would bring beside it."""

    def __init__(self, studied: Sequence[StudiedPassage]) -> None:
        self._studied = studied
        self._places: defaultdict[str, list[int]] = defaultdict(list)
        for place, each in enumerate(studied):
            passage = each.as_taught
            if passage.text.strip():
                for stem in own_stems(f"{passage.note_title} {passage.text}"):
                    self._places[stem].append(place)

    def to(self, question: str, place: int, key: str) -> list[int]:
        """The places of the nearest passages but `place`, without those that have the answer."""
        found: Counter[int] = Counter()
        for stem in sorted(own_stems(question)):
            places = self._places.get(stem, ())
            if len(places) <= _COMMON:
                found.update(places)
        near = [p for p, _ in sorted(found.items(), key=lambda item: (-item[1], item[0]))]
        # Those around it, of the same note mostly, where few have words of the question.
        around = [place + by for by in (-1, 1, -2, 2, -3, 3)]
        may = [p for p in dict.fromkeys((*near, *around)) if self._is_other(p, place)]
        return [p for p in may if not (key and is_right(self._text(p), (key,)))][:_NEAREST]

    def _is_other(self, place: int, own: int) -> bool:
        is_there = place != own and 0 <= place < len(self._studied)
        return is_there and bool(self._text(place).strip())

    def _text(self, place: int) -> str:
        return self._studied[place].as_taught.text


def passages_by_rule(studied: Sequence[StudiedPassage], writer: str) -> int:
    """Of how many passages a model called `writer` learns the notes' own sentences alone."""
    return sum(
        bool(each.taught) and not any(_was_read(stored, writer) for stored in each.samples)
        for each in studied
    )


def _asked(studied: Sequence[StudiedPassage], writer: str) -> Iterator[_Asked]:
    for place, each in enumerate(studied):
        title = each.passage.note_title
        for stored in each.samples:
            if stored.choice or _was_read(stored, writer):
                is_quoted = stored.answer == titled_answer(title, stored.quote)
                is_own = stored.kind in GENRES or not is_quoted
                yield _Asked(place, each, stored, is_own)


def _beside(each: StudiedPassage, own: Sequence[StoredSample]) -> StudiedPassage:
    """A passage with the rules' samples that none of its `own` asks for, answered by the quote.

    It states what is taught alone: the samples by which the person corrected the rest are not kept.
    """
    asked = [(s.quote, s.key) for s in own if s.kind in _OF_SENTENCES and s.quote and s.key]

    def is_asked(stored: StoredSample) -> bool:
        return any(
            (is_right(key, (stored.key,)) or is_right(stored.key, (key,)))
            and overlap(quote, stored.quote)
            for quote, key in asked
        )

    by_rule = [s for s in each.samples if s.writer == RULES and not s.choice and s.quote and s.key]
    kept = [replace(s, answer=s.quote) for s in by_rule if not is_asked(s)]
    return replace(each, stated=each.taught, kept=kept)


def _was_read(stored: StoredSample, writer: str) -> bool:
    """Whether the model wrote a sample as a reader does; before it was known to read, it quoted."""
    return stored.writer == writer and stored.kind in GENRES


def _closed_book(each: _Asked) -> Sample:
    stored, passage = each.stored, each.studied.as_taught
    key = stored.key if stored.key in each.answer else ""
    in_view = ""
    if each.is_borne_out:  # else the teacher would not know the answer, or know another one
        in_view = grounded_prompt([Source(passage.note_title, passage.text)], each.prompt)
    fact = fact_of(passage.note_id, stored.quote) if stored.quote else ""
    return Sample(
        each.prompt,
        each.answer,
        passage.note_id,
        passage.id,
        stored.kind,
        key,
        rewordings=() if each.titled_prompt == each.prompt else (each.titled_prompt,),
        others=stored.others,
        fact=fact,
        in_view=in_view,
    )


def _about(each: _Asked, prompt: str, answer: str, kind: str, notes: Sequence[int]) -> Sample:
    """A grounded sample, which goes with each of the notes that it shows or draws on."""
    passage = each.studied.passage
    told = dict.fromkeys((*notes, *each.stored.others))
    others = tuple(note for note in told if note != passage.note_id)
    in_view = prompt if kind == GROUNDED else ""
    return Sample(prompt, answer, passage.note_id, passage.id, kind, others=others, in_view=in_view)


def _size(text: str) -> int:
    return len(text.encode())
