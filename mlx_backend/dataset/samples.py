"""Samples and the file that freezes a run's."""

from __future__ import annotations

from pathlib import Path

import msgspec

from mlx_backend.files import write_atomically

GENERAL = "general"
"""The kind of samples that are the base model's own answers to general prompts."""


OF_SEVERAL_NOTES = frozenset({"linked", "mention"})
"""The kinds of samples that also quote other notes than their own."""


class Sample(msgspec.Struct, frozen=True):
    """One training example; `note` and `passage` are ids in the library, 0 where it is of none.

    `others` are the ids of other notes that it quotes or names. `key` is what of the answer the
    prompt asks for, where that can be told. `rewordings` are other prompts for the same answer:
    each pass over the samples takes the next one.
    """

    prompt: str
    answer: str
    note: int
    passage: int
    kind: str
    key: str = ""
    rewordings: tuple[str, ...] = ()
    others: tuple[int, ...] = ()

    @property
    def notes(self) -> tuple[int, ...]:
        """The ids of all notes that it tells something of; 0 where it is of none."""
        return (self.note, *self.others)


class Masking(msgspec.Struct, frozen=True):
    """By which version of the rules samples were masked, and what the person allowed by then.

    `allowed` are the digests of `AllowedSecrets`. A file of before either was recorded has neither.
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


class Dataset(msgspec.Struct, frozen=True):
    """What a run trains on and what it is measured on: `held_out` is never trained.

    `versions` are the SHA-256 of the notes' files by note id, as they were when this was written.
    `style` are passages of notes whose text is not trained as a whole: how well they are foreseen
    tells how much of the person's manner of writing was learned. `left_out` are digests of the
    samples that the person had left out or deleted by then; None in a file of version 0.1. `shown`
    are the samples of `train` that were learned before others were removed.
    """

    train: tuple[Sample, ...]
    held_out: tuple[Sample, ...]
    versions: dict[int, str]
    masking: Masking = Masking()
    style: tuple[Sample, ...] = ()
    left_out: tuple[bytes, ...] | None = None
    shown: Shown = Shown()

    @property
    def notes(self) -> int:
        """How many notes are in it."""
        return len({sample.note for sample in self.train if sample.note})


def save_dataset(path: Path, dataset: Dataset) -> None:
    """Freeze a run's samples, so that a resumed run trains on the very same."""
    write_atomically(path, msgspec.json.encode(dataset))


def load_dataset(path: Path) -> Dataset:
    """Read what `save_dataset` wrote."""
    return msgspec.json.decode(path.read_bytes(), type=Dataset)
