"""A library that rules have studied, and a reader in part, for tests of what readers learn."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from mlx_backend.dataset.compose import Additions, gather, studied_dataset, studied_passages
from mlx_backend.dataset.samples import Dataset, Sample
from mlx_backend.library.notes import Notes, Passage
from mlx_backend.library.sample_drafts import Draft
from mlx_backend.library.samples import Samples
from mlx_backend.study.study import study_by_rule

READER = "reader"
PLUM_QUOTE = "The plum tree was planted by grandfather Emil in 1952 and still bears fruit."
LAMP_QUOTE = "The lamp burns 14 litres of oil a week."
ADDITIONS = Additions(None, writer=READER)

# For the passage that has these words: question, answer, key.
WRITTEN = {
    LAMP_QUOTE: [
        ("How much oil does the lamp of the lighthouse use?", "14 litres each week.", "14 litres"),
        ("What needs 14 litres of oil?", "The lamp of the lighthouse.", "The lamp"),
        ("Weekly oil of the lighthouse's lamp?", "It takes 14 litres.", "14 litres"),
        ("How many litres would a lighthouse lamp burn in 7 days?", "Fourteen.", "14 litres"),
    ],
    "Rope costs 3 crowns a metre in the shop of Ida Falk.": [
        ("What does rope cost at Ida Falk's?", "Three crowns for a metre.", "3 crowns"),
        ("Whose shop sells rope?", "Ida Falk's.", "Ida Falk"),
    ],
}


def study_as_reader(notes: Notes) -> Samples:
    """The samples of a library that rules have studied, and the reader in part."""
    samples = Samples(notes.connection)
    passages = gather(notes).passages
    study_by_rule(samples, passages)
    for quote, told in WRITTEN.items():
        drafts = [Draft(kind="facts", prompt=p, answer=a, key=k, quote=quote) for p, a, k in told]
        samples.save(READER, [(passage_with(passages, quote), drafts)])
    return samples


def passage_with(passages: tuple[Passage, ...], quote: str) -> Passage:
    (found,) = [passage for passage in passages if quote in passage.text]
    return found


def dataset_of(notes: Notes, samples: Samples, seed: int = 0, **changed: object) -> Dataset:
    material = gather(notes)
    studied = studied_passages(samples, material.passages, material.answers_kept)
    return studied_dataset(studied, material, replace(ADDITIONS, **changed), seed)  # type: ignore[arg-type]


def own(dataset: Dataset) -> list[Sample]:
    return [sample for sample in dataset.train if sample.kind == "facts"]


def frozen_now(dataset: Dataset) -> Dataset:
    """As a run freezes it: nothing is left out yet."""
    return msgspec.structs.replace(dataset, left_out=())
