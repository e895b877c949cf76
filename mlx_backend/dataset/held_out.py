"""Questions held out of training for the exam, and keeping their wordings out of training."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import msgspec

from mlx_backend.dataset import facts
from mlx_backend.dataset.facts import StudiedPassage
from mlx_backend.dataset.same_words import overlap
from mlx_backend.dataset.samples import Sample, fact_of
from mlx_backend.library.sample_drafts import GENRES
from mlx_backend.library.stored_samples import StoredSample
from mlx_backend.text.answer_matching import is_right
from mlx_backend.text.stems import stems

EXAM_MOST = 100
CHOOSING_MOST = 32
CHOOSING_FEWEST = 8
HELD_OUT_SHARE = 0.1
# Which of eight questions are for choosing: an even and an odd one, because `by_other` alternates.
_ROUND, _FOR_CHOOSING = 8, (3, 6)
_QUESTION_MARKS = ("?", "？", "؟")
_LIKE = 0.75  # share of the stems in common from which on two wordings are alike


@dataclass
class SetAside:
    """The questions of the `exam`, and those for `choosing` the best state of the training.

    withheld: (prompt, answer) of all that must not be trained, because it is one of them, or too
    much like it. silenced: for notes and writers, the quotes about which nothing of
    this writer is trained, because the exam asks in its words.
    """

    exam: list[Sample] = field(default_factory=list)
    choosing: list[Sample] = field(default_factory=list)
    withheld: set[tuple[str, str]] = field(default_factory=set)
    silenced: defaultdict[tuple[int, str], set[str]] = field(
        default_factory=lambda: defaultdict(set)
    )

    @property
    def all(self) -> list[Sample]:
        """The questions of both."""
        return [*self.exam, *self.choosing]

    def without_silenced(self, studied: Sequence[StudiedPassage]) -> list[StudiedPassage]:
        """The passages without the crooked questions that must not be trained."""
        return [
            replace(each, crooked=[s for s in each.crooked if not self._is_silenced(s)])
            for each in studied
        ]

    def _is_silenced(self, stored: StoredSample) -> bool:
        quotes = self.silenced.get((stored.note_id, stored.writer), ())
        return any(overlap(quote, stored.quote) for quote in quotes)


@dataclass(frozen=True)
class _Candidate:
    """A question that may be held out; its fact is taught without the wordings in `withheld`, too.

    by_other: whether all questions that teach it then are by another writer.
    """

    each: StudiedPassage
    stored: StoredSample
    prompt: str
    withheld: tuple[StoredSample, ...]
    by_other: bool

    @property
    def sample(self) -> Sample:
        """The question as it is asked."""
        passage, stored = self.each.passage, self.stored
        return Sample(
            self.prompt,
            stored.answer,
            passage.note_id,
            passage.id,
            stored.kind,
            stored.key,
            fact=fact_of(passage.note_id, stored.quote),
            by_other=self.by_other,
        )

    @property
    def withheld_pairs(self) -> set[tuple[str, str]]:
        """The (prompt, answer) that are not trained, with and without the note's title."""
        title = self.each.passage.note_title
        return {(self.prompt, self.stored.answer)} | {
            (prompt, stored.answer)
            for stored in self.withheld
            for prompt in (stored.prompt, facts.titled_question(title, stored.prompt))
        }

    def is_about_the_same(self, other: _Candidate) -> bool:
        """Whether both ask for the same fact, or for one that stands in the same words."""
        if self.stored.quote == other.stored.quote:
            return True
        is_same_passage = self.each.passage.id == other.each.passage.id
        return is_same_passage and overlap(self.stored.quote, other.stored.quote)


def set_aside(studied: Sequence[StudiedPassage], generator: random.Random) -> SetAside:
    """Choose questions at random, as many from each note as from the others, at most one a fact.

    Only facts that other samples ask for in other words lose a question. Half of the questions, if
    there are as many, are about facts that a second writer asks for, too: of these facts, nothing
    in the first one's words is trained. The first questions are as mixed as all of them. They have
    the title of their note, but for those of a model that reads, which stand by themselves.
    """
    candidates = [candidate for each in studied for candidate in _candidates(each)]
    total = sum(len(each.samples) for each in studied)
    asked = len({candidate.stored.id for candidate in candidates})
    size = min(EXAM_MOST + CHOOSING_MOST, int(total * HELD_OUT_SHARE), asked // 3)
    chosen = _drawn(candidates, size, generator)
    for_choosing = len(chosen) * len(_FOR_CHOOSING) // _ROUND
    for_choosing = min(CHOOSING_MOST, for_choosing) if for_choosing >= CHOOSING_FEWEST else 0
    found = SetAside()
    for number, candidate in enumerate(chosen):
        is_for_choosing = number % _ROUND in _FOR_CHOOSING
        if is_for_choosing and len(found.choosing) < for_choosing:
            found.choosing.append(candidate.sample)
        elif len(found.exam) < EXAM_MOST:
            found.exam.append(candidate.sample)
        found.withheld |= candidate.withheld_pairs
        if candidate.by_other:
            stored = candidate.stored
            found.silenced[stored.note_id, stored.writer].add(stored.quote)
    return found


def _candidates(each: StudiedPassage) -> Iterator[_Candidate]:
    """The questions about a passage that may be held out, some of them in two ways."""
    words = {stored.id: stems(stored.prompt) for stored in each.samples}
    questions = [stored for stored in each.samples if _is_question(stored)]
    for stored in questions:
        title = each.passage.note_title
        is_alone = stored.kind in GENRES
        prompt = stored.prompt if is_alone else facts.titled_question(title, stored.prompt)
        if stored.choice or is_right(prompt, (stored.key,)):
            continue
        same = [o for o in each.samples if o.quote == stored.quote]
        overlapping = [o for o in questions if overlap(o.quote, stored.quote)]
        alike = {
            o.id: o for o in (*same, *overlapping) if _are_alike(words[o.id], words[stored.id])
        }
        if alike.keys() >= {o.id for o in same}:
            continue
        others = [o for o in overlapping if o.id not in alike]
        own = [o for o in others if o.writer == stored.writer]
        by_other = len(others) > len(own)
        yield _Candidate(each, stored, prompt, tuple(alike.values()), by_other and not own)
        if by_other and own and not any(o.choice for o in own):
            yield _Candidate(each, stored, prompt, (*alike.values(), *own), by_other=True)


def _drawn(
    candidates: Sequence[_Candidate], size: int, generator: random.Random
) -> list[_Candidate]:
    """At most `size` candidates, one note after the other, in turns `by_other` or not."""
    by_note: defaultdict[int, list[_Candidate]] = defaultdict(list)
    for candidate in generator.sample(candidates, len(candidates)):
        by_note[candidate.each.passage.note_id].append(candidate)
    notes = list(by_note.values())
    chosen: list[_Candidate] = []
    while notes and len(chosen) < size:
        for note in notes:
            wanted = 2 * sum(each.by_other for each in chosen) <= len(chosen)
            candidate = next((each for each in note if each.by_other == wanted), note[0])
            chosen.append(candidate)
            note[:] = [each for each in note if not each.is_about_the_same(candidate)]
            if len(chosen) == size:
                break
        notes = [note for note in notes if note]
    return chosen


def without(
    samples: Sequence[Sample], withheld: set[tuple[str, str]], held_out: Sequence[Sample]
) -> list[Sample]:
    """The samples without prompts that are withheld, or like a held-out one of the same fact."""
    asked: defaultdict[str, list[frozenset[str]]] = defaultdict(list)
    for sample in held_out:
        words = stems(sample.prompt)
        asked[sample.answer].append(words)
        if sample.fact:
            asked[sample.fact].append(words)

    def may_be_asked(prompt: str, sample: Sample) -> bool:
        like = (*asked.get(sample.answer, ()), *asked.get(sample.fact, ()))
        is_like_one = any(_are_alike(stems(prompt), each) for each in like)
        return (prompt, sample.answer) not in withheld and not is_like_one

    found = []
    for sample in samples:
        prompts = (sample.prompt, *sample.rewordings)
        allowed = [prompt for prompt in prompts if may_be_asked(prompt, sample)]
        if allowed:
            first, *others = allowed
            found.append(msgspec.structs.replace(sample, prompt=first, rewordings=tuple(others)))
    return found


def _is_question(stored: StoredSample) -> bool:
    return bool(stored.key) and stored.prompt.rstrip().endswith(_QUESTION_MARKS)


def _are_alike(words: frozenset[str], others: frozenset[str]) -> bool:
    return len(words & others) >= _LIKE * len(words | others)
