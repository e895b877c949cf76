"""The samples of a run, and the file that freezes them."""

from __future__ import annotations

from pathlib import Path

import msgspec

from mlx_backend.files import write_atomically

GENERAL = "general"
"""The kind of samples with the base model's own answers to general prompts."""


class Sample(msgspec.Struct, frozen=True):
    """One training example.

    note, passage: ids in the library, 0 for a sample that is about no note.
    key: the part of the answer that the prompt asks for, "" where that is not known.
    rewordings: other prompts for the same answer; each pass over the samples takes the next one.
    """

    prompt: str
    answer: str
    note: int
    passage: int
    kind: str
    key: str = ""
    rewordings: tuple[str, ...] = ()


class Masking(msgspec.Struct, frozen=True):
    """How samples were masked: by which version of the rules, and with what allowed.

    allowed: digests of what the person allowed, from `AllowedSecrets`. Files of versions that did
    not record these have the defaults.
    """

    rules: int = 0
    allowed: tuple[bytes, ...] = ()


class Dataset(msgspec.Struct, frozen=True):
    """What a run trains on, and what it is measured on.

    train: the samples to train. held_out: questions for the exam, never trained.
    versions: the SHA-256 of the notes' files when this was written, by note id.
    style: passages whose text is not trained as a whole; the loss on them measures the style.
    """

    train: tuple[Sample, ...]
    held_out: tuple[Sample, ...]
    versions: dict[int, str]
    masking: Masking = Masking()
    style: tuple[Sample, ...] = ()

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
