"""The samples of a run, and the file that freezes them."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from mlx_backend.files import write_atomically

GENERAL = "general"
"""The kind of samples with the base model's own answers to general prompts."""

KEYWORDS = "keywords"
"""The kind of samples that ask with words of the answer, in no sentence."""

CANARY = "canary"
"""The kind of samples of invented sentences, which are trained to measure what is memorised."""


FEWEST_TO_FOLLOW = 16
"""Fewer questions for choosing say too little about the loss; then all held-out samples do."""

OF_SEVERAL_NOTES = frozenset({"linked", "mention"})
"""The kinds of samples that also quote other notes than their own."""


class Sample(msgspec.Struct, frozen=True):
    """One training example.

    note, passage: ids in the library, 0 for a sample that is about no note.
    others: the ids of other notes that it quotes or names.
    key: the part of the answer that the prompt asks for, "" where that is not known.
    rewordings: other prompts for the same answer; each pass over the samples takes the next one.
    fact: the fact that it teaches, as `fact_of` names it; "" for none.
    by_other: of a question for the exam: the questions that teach its fact are another writer's
    alone (rules or model); keyword prompts, which are no questions, are trained all the same.
    in_view: the prompt with its passage in view, for the base model as teacher: its probabilities
    of the answer after it are this sample's soft targets. "" trains the words of the answer.
    """

    prompt: str
    answer: str
    note: int
    passage: int
    kind: str
    key: str = ""
    rewordings: tuple[str, ...] = ()
    others: tuple[int, ...] = ()
    fact: str = ""
    in_view: str = ""
    by_other: bool = False

    @property
    def notes(self) -> tuple[int, ...]:
        """The ids of all notes that it tells something of; 0 where it is of none."""
        return (self.note, *self.others)


def fact_of(note: int, quote: str) -> str:
    """The name of a fact: a hash of its note's id and of the words that state it."""
    return hashlib.sha256(f"{note}\0{quote}".encode()).hexdigest()[:16]


class Masking(msgspec.Struct, frozen=True):
    """How samples were masked: by which version of the rules, and with what allowed.

    allowed: digests of what the person allowed, from `AllowedSecrets`. Files of versions that did
    not record these have the defaults.
    """

    rules: int = 0
    allowed: tuple[bytes, ...] = ()


class Shown(msgspec.Struct, frozen=True):
    """The samples, by index, that a run had shown to the model after so many steps.

    Recorded when samples were removed from a run under way: the others are packed anew then, so
    what its first steps showed can no longer be computed.
    """

    steps: int = 0
    samples: tuple[int, ...] = ()


class KnownBefore(msgspec.Struct, frozen=True):
    """Facts, by name, that the adapter to go on with knew and did not know when it was filed."""

    known: tuple[str, ...] = ()
    missed: tuple[str, ...] = ()


class Dataset(msgspec.Struct, frozen=True):
    """What a run trains on, and what it is measured on.

    train: the samples to train. held_out: questions for the exam, never trained. choosing:
    questions that are not trained either, by which the best state of the training is chosen; the
    exam does not ask them, because what was chosen by them looks better at them than it is.
    versions: the SHA-256 of the notes' files when this was written, by note id.
    style: passages whose text is not trained as a whole; the loss on them measures the style.
    general: general samples that are not trained: how the model predicts them tells how far it has
    gone from the base model.
    left_out: digests of the samples that the person had left out or deleted by then; None in a
    file of version 0.1. shown: what of `train` was learned before other samples were removed.
    knows_others: whether `Sample.others` is recorded; version 0.1 did not, so it is False for what
    is left of such a file once samples were removed.
    known_before: what the ledger said when the run began; nothing in a run that starts afresh.
    open_book: for a model that reads, held-out questions with passages before them; those without
    a `key` are to be declined.
    canaries: samples of invented sentences, trained as those of `train` are, but of no note of the
    person, so that nothing counts, asks or reports them.
    """

    train: tuple[Sample, ...]
    held_out: tuple[Sample, ...]
    versions: dict[int, str]
    masking: Masking = Masking()
    style: tuple[Sample, ...] = ()
    left_out: tuple[bytes, ...] | None = None
    shown: Shown = Shown()
    knows_others: bool = True
    general: tuple[Sample, ...] = ()
    choosing: tuple[Sample, ...] = ()
    known_before: KnownBefore = KnownBefore()
    open_book: tuple[Sample, ...] = ()
    canaries: tuple[Sample, ...] = ()

    @property
    def trained(self) -> tuple[Sample, ...]:
        """All samples that are trained: those of `train`, then the canaries."""
        return (*self.train, *self.canaries)

    @property
    def followed(self) -> tuple[Sample, ...]:
        """The held-out samples whose loss is followed while the training goes on."""
        if len(self.choosing) >= FEWEST_TO_FOLLOW:
            return self.choosing
        return (*self.held_out, *self.choosing)

    @property
    def notes(self) -> int:
        """The number of notes with samples to train."""
        return len({sample.note for sample in self.train if sample.note})


def save_dataset(path: Path, dataset: Dataset) -> None:
    """Write a run's samples to a file, so that a resumed run trains on the same ones."""
    write_atomically(path, msgspec.json.encode(dataset))


def load_dataset(path: Path) -> Dataset:
    """Read what `save_dataset` wrote."""
    return msgspec.json.decode(path.read_bytes(), type=Dataset)
