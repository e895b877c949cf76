"""What the person took out of training since a run froze its samples."""

from __future__ import annotations

import hashlib
import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import msgspec

from mlx_backend.dataset.facts import tells_any
from mlx_backend.dataset.same_words import has_words_of
from mlx_backend.dataset.samples import (
    KEYWORDS,
    OF_SEVERAL_NOTES,
    Dataset,
    Sample,
    Shown,
    fact_of,
)
from mlx_backend.library.sample_drafts import OF_TWO_PASSAGES
from mlx_backend.library.samples import Samples
from mlx_backend.library.stored_samples import StoredSample
from mlx_backend.library.wanted_notes import wanted_notes
from mlx_backend.text.stems import own_stems, stems
from mlx_backend.text.words import count_words

_SENTENCE = 4  # words


@dataclass(frozen=True)
class Withdrawn:
    """Notes (ids) and samples that may not be learned any more.

    `left_out` is what `Dataset.left_out` says once they are removed. `is_exact` tells that the
    dataset knows which notes a sample quotes; one of version 0.1 does not, nor what is left of it.
    """

    notes: frozenset[int]
    samples: tuple[StoredSample, ...]
    left_out: tuple[bytes, ...]
    is_exact: bool

    def touches(self, dataset: Dataset) -> bool:
        """Whether anything of it is trained, asked or measured in a run with this dataset."""
        asked = (*dataset.held_out, *dataset.choosing, *dataset.open_book)
        return any(self.covers(sample) for sample in (*dataset.train, *asked, *dataset.style))

    def indices(self, samples: Sequence[Sample]) -> set[int]:
        """The places of the samples that tell something of it."""
        return {i for i, sample in enumerate(samples) if self.covers(sample)}

    def removed_from(self, dataset: Dataset, shown: Shown) -> Dataset:
        """The dataset without it, in a run that has `shown` some samples to the model.

        Once steps were taken, the loss of the held-out samples was measured. They are kept then, so
        that later losses are comparable, but without a key, so that the exam does not ask them.
        """
        gone = self.indices(dataset.train)
        kept = [i for i in range(len(dataset.train)) if i not in gone]
        place = {old: new for new, old in enumerate(kept)}
        return msgspec.structs.replace(
            dataset,
            train=tuple(self._of_what_stays(dataset.train[i]) for i in kept),
            shown=Shown(shown.steps, tuple(place[i] for i in shown.samples if i in place)),
            held_out=self._not_asked(dataset.held_out, shown),
            choosing=self._not_asked(dataset.choosing, shown),
            style=tuple(sample for sample in dataset.style if not self.covers(sample)),
            open_book=tuple(sample for sample in dataset.open_book if not self.covers(sample)),
            versions={id_: sha for id_, sha in dataset.versions.items() if id_ not in self.notes},
            left_out=self.left_out,
            knows_others=self.is_exact,
        )

    def _of_what_stays(self, sample: Sample) -> Sample:
        """A sample that stays, without what it has of statements beside it that were left out.

        Its teacher reads no passage with them, and no keyword prompt has a word of them alone.
        """
        left_out = self._samples_by_note.get(sample.note, ())
        quotes = [each.quote for each in left_out if each.quote and each.kind != "summary"]
        if sample.in_view and any(has_words_of(sample.in_view, quote) for quote in quotes):
            sample = msgspec.structs.replace(sample, in_view="")
        return _without_words_of(sample, quotes) if sample.kind == KEYWORDS else sample

    def _not_asked(self, held_out: Sequence[Sample], shown: Shown) -> tuple[Sample, ...]:
        return tuple(
            msgspec.structs.replace(sample, key="") if self.covers(sample) else sample
            for sample in held_out
            if shown.steps or not self.covers(sample)
        )

    def covers(self, sample: Sample) -> bool:
        """Whether a sample tells something of a note or sample that was withdrawn."""
        quotes_any = not self.is_exact and sample.kind in OF_SEVERAL_NOTES
        if self.notes and (quotes_any or not self.notes.isdisjoint(sample.notes)):
            return True
        if quotes_any:
            return any(_tells(sample, stored) for stored in self.samples)
        own = (stored for note in sample.notes for stored in self._samples_by_note.get(note, ()))
        return any(_tells(sample, stored) for stored in own)

    @cached_property
    def _samples_by_note(self) -> dict[int, list[StoredSample]]:
        found: defaultdict[int, list[StoredSample]] = defaultdict(list)
        for stored in self.samples:
            found[stored.note_id].append(stored)
        return found


def find_withdrawn(dataset: Dataset, connection: sqlite3.Connection, studied: bool) -> Withdrawn:
    """What was taken out since `dataset` was frozen.

    `studied`: whether it was made of samples; where it is the text of the notes alone, samples that
    were left out change nothing.
    """
    left_out = left_out_samples(connection) if studied else {}
    known = set(dataset.left_out or ())
    return Withdrawn(
        notes=frozenset(dataset.versions.keys() - wanted_notes(connection)),
        samples=tuple(stored for digest, stored in left_out.items() if digest not in known),
        left_out=tuple(left_out),
        is_exact=dataset.left_out is not None and dataset.knows_others,
    )


def left_out_samples(connection: sqlite3.Connection) -> dict[bytes, StoredSample]:
    """The samples that the person left out or deleted, by a digest of what they are about."""
    return {_digest(stored): stored for stored, _ in Samples(connection).left_out()}


def _digest(stored: StoredSample) -> bytes:
    told = "\0".join((str(stored.note_id), *stored.about))
    return hashlib.sha256(told.encode()).digest()[:16]


def _tells(sample: Sample, stored: StoredSample) -> bool:
    """Whether a sample is this one, or tells the words that it quotes.

    Of one that was deleted only kind, key and quote are known. A reader tells what it quotes in its
    own words: all samples of the same fact do, and those of two passages that have its key.
    """
    is_of_fact = bool(stored.quote) and sample.fact == fact_of(stored.note_id, stored.quote)
    if stored.kind == "summary" and stored.quote:  # it quotes all of a passage
        return is_of_fact and sample.kind == "summary"
    if _is_like(sample, stored) and (stored.answer or is_of_fact or not sample.fact):
        return True
    if sample.kind in OF_TWO_PASSAGES and tells_any(sample, {stored.key}):
        return True
    if not stored.quote:
        return False
    told = (sample.answer, sample.prompt)
    if is_of_fact or any(has_words_of(text, stored.quote) for text in told):
        return True
    # A reader may quote several sentences; what rules say of one of them is a sentence, too.
    return count_words(sample.answer) >= _SENTENCE and has_words_of(stored.quote, sample.answer)


def _is_like(sample: Sample, stored: StoredSample) -> bool:
    """Whether both are of one kind, with the same answer, or the same key where that is unknown."""
    is_same = sample.answer == stored.answer if stored.answer else sample.key == stored.key
    return is_same and sample.kind == stored.kind


def _without_words_of(sample: Sample, quotes: Sequence[str]) -> Sample:
    """A keyword sample without the prompts with words of `quotes` that its answer does not have.

    Where all have such words, the first stays, with the answer's own words alone.
    """
    own = stems(sample.answer)
    foreign = frozenset[str]().union(*(own_stems(quote) for quote in quotes)) - own
    prompts = (sample.prompt, *sample.rewordings)
    first, *others = [p for p in prompts if not stems(p) & foreign] or [
        " ".join(word for word in sample.prompt.split() if not stems(word) & foreign)
    ]
    return msgspec.structs.replace(sample, prompt=first, rewordings=tuple(others))
