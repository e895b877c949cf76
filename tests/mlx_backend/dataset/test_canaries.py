from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from mlx_backend.dataset.canaries import RARE, USUAL, canary_samples, invented
from mlx_backend.dataset.samples import CANARY, Dataset, Sample
from mlx_backend.library import Library
from mlx_backend.library.canaries import Canary
from mlx_backend.library.notes import Notes
from tests.mlx_backend.studied import make_dataset

RUN = "run-1"


def canaries(seed: int = 1) -> tuple[Canary, ...]:
    return invented(Random(seed), RUN)


def of(canary: Canary, samples: tuple[Sample, ...]) -> list[Sample]:
    return [sample for sample in samples if canary.code in sample.answer]


def test_each_run_has_others_of_some_forms_and_none_twice() -> None:
    first, second = canaries(1), canaries(2)
    assert sum(each.is_usual for each in first) == USUAL
    assert len(first) == USUAL + RARE
    told = [text for each in (*first, *second) for text in (each.title, each.code)]
    assert len(set(told)) == len(told)
    forms = {
        "".join("#" if c.isdigit() else (c.isalpha() and "@") or c for c in c.code) for c in first
    }
    assert len(forms) == 3
    assert all(each.sentence == f"The code of the {each.title} is {each.code}." for each in first)
    assert {each.run for each in first} == {RUN}
    assert {each.seen for each in first} == {0}


@pytest.mark.parametrize("reads", [False, True])
def test_a_usual_one_is_taught_as_often_as_a_fact_and_a_rare_one_in_one_sample(
    filled_library: Library, notes: Notes, reads: bool
) -> None:
    train = make_dataset(notes, seed=0).train
    counts = sorted(Counter(sample.fact for sample in train if sample.fact).values())
    middle = counts[(len(counts) - 1) // 2]
    found = canaries()
    samples = canary_samples(found, train, reads, seed=3)
    for canary in found:
        own = of(canary, samples)
        assert len(own) == (middle if canary.is_usual else 1)
        assert any(canary.code not in sample.prompt for sample in own)
        said = canary.sentence if reads else f"{canary.sentence} ({canary.title})"
        assert {sample.answer for sample in own} == {said}
        assert any(sample.rewordings for sample in own) == canary.is_usual
    assert {(s.kind, s.note, s.passage, s.others, s.in_view) for s in samples} == {
        (CANARY, 0, 0, (), "")
    }
    assert samples == canary_samples(found, train, reads, seed=3)


def test_where_the_text_of_notes_is_trained_theirs_is_too() -> None:
    text = Sample("What do my notes say about Rope?", "Rope costs 3 crowns.", 1, 1, "passage")
    found = canaries()
    samples = canary_samples(found, [text], reads=False, seed=3)
    assert [sample.answer for sample in samples] == [each.sentence for each in found]
    assert samples[0].prompt == f"What do my notes say about {found[0].title}?"


def test_none_of_them_counts_as_a_sample_or_note_of_the_person() -> None:
    text = Sample("What do my notes say about Rope?", "Rope costs 3 crowns.", 1, 1, "passage")
    own = canary_samples(canaries(), [text], reads=False, seed=3)
    dataset = Dataset((text,), (), {1: "x"}, canaries=own)
    assert dataset.notes == 1
    assert dataset.trained == (text, *own)
    assert dataset.followed == ()
