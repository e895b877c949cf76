"""What the passes contain after the model was asked for its facts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import mlx.core as mx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlx_backend.training.batch_arrays import Batch
from mlx_backend.training.batches import BatchShape, PackedBatches
from mlx_backend.training.looks import (
    KNOWN_WEIGHT,
    MISSED_WEIGHT,
    Look,
    copies,
    is_due,
    looks_in,
    weights,
)
from mlx_backend.training.tokenised import TokenisedSample

KINDS = ("known", "missed", "other", "")


def make(number: int = 160, length: int = 60) -> list[TokenisedSample]:
    """Samples of four kinds in turn: of a known fact, a missed one, another one, and of none.

    The first token of each is its number, so that it can be told which one a row has.
    """
    return [
        replace(TokenisedSample.of([place, *[7] * (length - 1)], 10), fact=KINDS[place % 4])
        for place in range(number)
    ]


SAMPLES = make()
PASS = PackedBatches(SAMPLES, seed=4).steps(1)
LOOK = Look(step=PASS, passes=1, known=("known",), missed=("missed",))


def counted(batches: PackedBatches, first: int, end: int) -> Counter[int]:
    """How often each sample comes in these steps."""
    found: Counter[int] = Counter()
    for step in range(first, end):
        for part in batches[step]:
            # Each sample has 50 targets.
            found += Counter({n: c // 50 for n, c in Counter(part.samples.tolist()).items()})
    return found


def by_kind(found: Counter[int], samples: Sequence[TokenisedSample] = SAMPLES) -> Counter[str]:
    kinds: Counter[str] = Counter()
    for number, count in found.items():
        kinds[samples[number].fact] += count
    return kinds


def same(one: Sequence[Batch], other: Sequence[Batch]) -> bool:
    return len(one) == len(other) and all(
        mx.array_equal(getattr(a, name), getattr(b, name))
        for a, b in zip(one, other, strict=True)
        for name in ("inputs", "mask", "positions", "targets", "learned")
    )


def test_what_is_known_comes_in_each_fourth_pass_and_what_is_not_twice() -> None:
    batches = PackedBatches(SAMPLES, 4, looks=[LOOK])
    four = counted(batches, PASS, batches.steps(5))
    of_known = {n: four[n] for n in range(len(SAMPLES)) if SAMPLES[n].fact == "known"}
    assert set(of_known.values()) == {1}  # each one, once in four passes
    assert {four[n] for n in four if SAMPLES[n].fact == "missed"} == {8}
    assert {four[n] for n in four if SAMPLES[n].fact == "other"} == {4}


def test_each_pass_has_its_part_of_what_is_known() -> None:
    batches = PackedBatches(SAMPLES, 4, looks=[LOOK])
    for number in range(1, 5):
        kinds = by_kind(counted(batches, batches.steps(number), batches.steps(number + 1)))
        assert kinds["known"] == pytest.approx(10, abs=6)
        assert kinds["missed"] == 80


@pytest.mark.parametrize(
    ("known", "missed"), [(("known",), ("missed",)), (("known", "other"), ()), ((), ("missed",))]
)
def test_samples_of_no_fact_keep_their_share(
    known: tuple[str, ...], missed: tuple[str, ...]
) -> None:
    batches = PackedBatches(SAMPLES, 4, looks=[Look(PASS, 1, known, missed)])
    kinds = by_kind(counted(batches, PASS, batches.steps(9)))
    assert kinds[""] / sum(kinds.values()) == pytest.approx(1 / 4, abs=0.01)


def test_a_look_that_found_nothing_changes_nothing() -> None:
    plain, looked = PackedBatches(SAMPLES, 4), PackedBatches(SAMPLES, 4, looks=[Look(PASS, 1)])
    assert looked.steps(3) == plain.steps(3)
    assert all(same(plain[step], looked[step]) for step in range(plain.steps(3)))


def test_steps_before_a_look_stay_as_they_were_and_those_after_follow_from_it() -> None:
    plain = PackedBatches(SAMPLES, 4)
    one, other = plain.after([LOOK]), PackedBatches(SAMPLES, 4, looks=[LOOK])
    last = one.steps(3)
    assert all(same(plain[step], one[step]) for step in range(PASS))
    assert not same(plain[PASS], one[PASS])
    in_order = [one[step] for step in range(last)]
    for step in reversed(range(last)):
        assert same(other[step], in_order[step])
    swapped = plain.after([Look(PASS, 1, LOOK.missed, LOOK.known)])
    assert not same(swapped[PASS], one[PASS])


def test_a_sample_that_comes_twice_is_asked_in_two_wordings() -> None:
    def wording(prompt: int) -> TokenisedSample:
        return TokenisedSample.of([prompt, prompt, 7, 8], 2)

    first, *others = (wording(prompt) for prompt in range(21, 25))
    sample = replace(first, rewordings=tuple(others), fact="missed")
    batches = PackedBatches([sample], 0, looks=[Look(1, 1, (), ("missed",))])
    for step in range(1, 5):
        (part,) = batches[step]
        row = np.array(part.inputs)[0]
        assert {int(row[0]), int(row[3])} in ({21, 23}, {22, 24})


def test_where_all_is_known_a_pass_is_small_but_never_empty() -> None:
    known = [replace(sample, fact="known") for sample in make(3)]
    batches = PackedBatches(known, 0, looks=[Look(1, 1, ("known",), ())])
    for step in range(1, 9):
        assert sum(part.tokens for part in batches[step]) > 0
    assert batches.seen(9, since=1) == [0, 1, 2]


def test_where_rows_are_shorter_after_a_resume_a_look_still_stands_where_it_was() -> None:
    """With other rows a pass has another length, so that a look may be within one."""
    shape = BatchShape(positions=512, at_once=256, longest_row=256)
    look = Look(PASS - 3, 1, ("known",), ("missed",))
    batches = PackedBatches(SAMPLES, 4, shape, [look])
    kinds = by_kind(counted(batches, PASS - 3, PASS - 3 + 60))
    assert kinds["missed"] > 2.5 * kinds["known"]
    assert set(batches.seen(PASS - 3)) < set(batches.seen(PASS + 99)) == set(range(160))


def test_passes_are_counted() -> None:
    batches = PackedBatches(SAMPLES, 4, looks=[LOOK])
    ends = [batches.steps(number) for number in range(6)]
    assert ends[:2] == [0, PASS]
    assert [batches.passes_begun(end) for end in ends] == list(range(6))
    assert [batches.passes_begun(end + 1) for end in ends] == list(range(1, 7))


def test_a_look_within_a_pass_begins_a_new_one() -> None:
    plain = PackedBatches(SAMPLES, 4)
    look = Look(2 * PASS - 5, 2, ("known",), ("missed",))
    batches = plain.after([look])
    assert all(same(plain[step], batches[step]) for step in range(look.step))
    assert batches.passes_begun(look.step) == 2
    assert batches.passes_begun(look.step + 1) == 3
    kinds = by_kind(counted(batches, look.step, batches.steps(3)))
    assert (kinds["missed"], kinds["other"]) == (80, 40)


@settings(max_examples=30)
@given(
    first=st.integers(0, 3 * PASS),
    length=st.integers(0, 2 * PASS),
    known_before=st.booleans(),
)
def test_what_was_seen_is_what_the_batches_have(
    first: int, length: int, known_before: bool
) -> None:
    looks = [LOOK, Look(2 * PASS, 2, ("missed",), ("other",))]
    if known_before:
        looks = [Look(0, 0, ("known",), ("missed",)), Look(PASS, 1, ("known", "other"), ())]
    batches = PackedBatches(SAMPLES, 4, looks=looks)
    there = {n for step in range(first, first + length) for p in batches[step] for n in p.samples}
    assert batches.seen(first + length, since=first) == sorted(there)


def test_nothing_to_learn_at_all() -> None:
    batches = PackedBatches([], 0, looks=[LOOK])
    assert (batches.seen(9), batches.passes_begun(9)) == ([], 0)


def test_looks_are_due_once_a_quarter_but_not_at_the_end() -> None:
    due = [step for step in range(1, 100) if is_due([], step, 100)]
    assert due == list(range(25, 100))
    assert not is_due([], 100, 100)
    assert [s for s in range(30, 100) if is_due([Look(30)], s, 100)] == list(range(50, 100))
    assert not any(is_due([Look(76)], step, 100) for step in range(76, 101))


@pytest.mark.parametrize("first_pass", [1, 24, 25, 26, 49, 50, 74, 75, 99, 100, 300])
def test_as_many_looks_are_planned_as_there_will_be(first_pass: int) -> None:
    looks: list[Look] = []
    for step in range(first_pass, 100):
        if is_due(looks, step, 100):
            looks.append(Look(step))
    assert looks_in(100, first_pass) == len(looks)


def test_a_later_look_keeps_what_it_did_not_ask_for() -> None:
    before = Look(10, 1, ("a", "b"), ("c", "d"))
    after = before.following(Look(20, 2, ("c",), ("a",)))
    assert after == Look(20, 2, ("b", "c"), ("a", "d"))


@given(
    weight=st.sampled_from([0.0, KNOWN_WEIGHT, 0.3, 1.0, 1.4, MISSED_WEIGHT]),
    number=st.integers(1, 40),
    seed=st.integers(0, 5),
)
def test_each_sample_comes_as_often_as_its_weight_says(
    weight: float, number: int, seed: int
) -> None:
    passes = np.array([copies(np.full(number, weight), k, [seed]) for k in range(20)])
    assert (np.abs(passes.sum(axis=0) - 20 * weight) < 1).all()
    assert (np.abs(passes.sum(axis=1) - number * weight) < 1 + 1e-9).all()
    assert passes.min() >= 0


def test_weights_without_any_fact_are_those_of_a_plain_pass() -> None:
    assert weights(["", ""], [10, 20], LOOK).tolist() == [1.0, 1.0]
