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
from mlx_backend.training.batches import BATCH_POSITIONS, BatchShape, PackedBatches
from mlx_backend.training.looks import Look
from mlx_backend.training.packing import ROW_LENGTHS, pack, row_length
from mlx_backend.training.tokenised import SoftTargets, TokenisedSample

SIZES = st.lists(
    st.tuples(st.integers(1, 700), st.integers(0, 700)), min_size=1, max_size=40
)  # length and prompt length


def make(sizes: Sequence[tuple[int, int]]) -> list[TokenisedSample]:
    """Samples in which every token is its own, so that none can be mistaken for another."""
    return [
        TokenisedSample.of(range(number * 1000, number * 1000 + length), prompt)
        for number, (length, prompt) in enumerate(sizes)
    ]


def learned(batch: Batch) -> Counter[int]:
    targets = np.array(batch.targets)[np.array(batch.learned) == 1.0, 0]
    return Counter(targets.tolist())


def expected(samples: Sequence[TokenisedSample]) -> Counter[int]:
    """All that is not prompt, but no first token: nothing comes before it."""
    total: Counter[int] = Counter()
    for sample in samples:
        total.update(sample.tokens[max(1, sample.prompt_length) :].tolist())
    return total


def one_pass(batches: PackedBatches) -> list[Batch]:
    return [part for step in range(batches.steps(1)) for part in batches[step]]


@settings(max_examples=40)
@given(sizes=SIZES)
def test_a_pass_learns_every_token_exactly_once(sizes: list[tuple[int, int]]) -> None:
    samples = make(sizes)
    batches = PackedBatches(samples, seed=1)
    for number in range(2):
        total: Counter[int] = Counter()
        for step in range(batches.steps(number), batches.steps(number + 1)):
            for part in batches[step]:
                total += learned(part)
        assert total == expected(samples)


@settings(max_examples=40)
@given(sizes=SIZES)
def test_every_target_follows_what_its_position_sees(sizes: list[tuple[int, int]]) -> None:
    for batch in one_pass(PackedBatches(make(sizes), seed=1)):
        inputs = np.array(batch.inputs).reshape(-1)
        count = batch.tokens
        positions, targets = np.array(batch.positions)[:count], np.array(batch.targets)[:count, 0]
        assert (inputs[positions] + 1 == targets).all()


@settings(max_examples=20)
@given(sizes=SIZES)
def test_attention_stays_inside_a_sample_and_behind(sizes: list[tuple[int, int]]) -> None:
    for batch in one_pass(PackedBatches(make(sizes), seed=1)):
        inputs, mask = np.array(batch.inputs), np.array(batch.mask)[:, 0]
        owner = inputs // 1000
        at = np.arange(inputs.shape[1])
        has_target = np.isin(np.arange(inputs.size), np.array(batch.positions)[: batch.tokens])
        for row, who in enumerate(owner):
            allowed = (who[:, None] == who[None]) & (at[:, None] >= at[None])
            # Sample 0's tokens look like padding here, so only positions with a target count.
            chosen = has_target.reshape(inputs.shape)[row] & (who > 0)
            assert (mask[row][chosen] == allowed[chosen]).all()
        assert mask[:, at, at].all()  # every position sees itself: no row of the softmax is empty


@settings(max_examples=20)
@given(sizes=SIZES)
def test_all_batches_have_one_of_few_shapes(sizes: list[tuple[int, int]]) -> None:
    for batch in one_pass(PackedBatches(make(sizes), seed=1)):
        assert batch.inputs.size == BATCH_POSITIONS
        assert batch.inputs.shape[1] in ROW_LENGTHS
        assert len(batch.targets) % 128 == 0
        assert 0 < batch.tokens <= BATCH_POSITIONS


def same(one: Sequence[Batch], other: Sequence[Batch]) -> bool:
    return len(one) == len(other) and all(
        mx.array_equal(getattr(a, name), getattr(b, name))
        for a, b in zip(one, other, strict=True)
        for name in ("inputs", "mask", "positions", "targets", "learned", "samples")
    )


SAMPLES = make([(30 + 7 * number % 400, 10) for number in range(60)])


def test_a_batch_depends_on_seed_and_step_alone() -> None:
    first, second = PackedBatches(SAMPLES, seed=4), PackedBatches(SAMPLES, seed=4)
    steps = first.steps(3)
    inorder = [first[step] for step in range(steps)]
    for step in reversed(range(steps)):
        assert same(second[step], inorder[step])
    assert not all(same(PackedBatches(SAMPLES, seed=5)[s], inorder[s]) for s in range(steps))


def test_every_pass_is_shuffled_anew() -> None:
    batches = PackedBatches(SAMPLES, seed=4)
    size = batches.steps(1)
    assert not all(same(batches[step], batches[size + step]) for step in range(size))


def test_each_pass_asks_in_the_next_wording() -> None:
    def titled_answer(prompt: int) -> TokenisedSample:
        return TokenisedSample.of([*([prompt] * 4), 7, 8], 4)

    first, *others = (titled_answer(prompt) for prompt in (21, 22, 23))
    batches = PackedBatches([replace(first, rewordings=tuple(others))], seed=0)
    steps = [batches[number] for number in range(4)]
    assert [int(part.inputs[0, 0]) for (part,) in steps] == [21, 22, 23, 21]
    assert all(learned(part) == Counter([7, 8]) for (part,) in steps)


def test_samples_without_anything_to_learn_are_left_out() -> None:
    samples = make([(5, 5), (5, 9), (0, 0), (40, 10), (900, 800)])
    batches = PackedBatches(samples, seed=0)
    assert batches.steps(1) == 1
    assert learned(batches[0][0]) == expected(samples[3:4])


def test_nothing_to_learn_at_all() -> None:
    for samples in ([], make([(5, 5)])):
        batches = PackedBatches(samples, seed=0)
        assert batches.steps(3) == 0
        with pytest.raises(IndexError):
            batches[0]


def test_a_sample_too_long_is_cut_at_its_end() -> None:
    (sample,) = make([(5000, 10)])
    assert sample.tokens.tolist() == list(range(ROW_LENGTHS[-1] + 1))


def test_short_samples_share_rows() -> None:
    batches = PackedBatches(make([(33, 5)] * 64), seed=0)
    assert batches.steps(1) == 64 * 32 // BATCH_POSITIONS


@pytest.mark.parametrize(
    ("size", "length"), [(1, 256), (256, 256), (257, 512), (512, 512), (600, 512)]
)
def test_rows_are_as_short_as_they_can_be(size: int, length: int) -> None:
    assert row_length(size, ROW_LENGTHS) == length


@given(st.lists(st.integers(1, 700), max_size=200))
def test_packing_loses_nothing_and_overfills_no_row(sizes: list[int]) -> None:
    packed = pack(list(range(len(sizes))), sizes, ROW_LENGTHS)
    placed = [index for rows in packed.values() for row in rows for index in row]
    assert sorted(placed) == list(range(len(sizes)))
    for length, rows in packed.items():
        for row in rows:
            assert sum(min(sizes[index], length) for index in row) <= length
            # no row is longer than its first sample needs
            assert row_length(sizes[row[0]], ROW_LENGTHS) == length


def test_rows_are_nearly_full() -> None:
    random = np.random.default_rng(0)
    samples = make([(int(size), 5) for size in random.integers(40, 300, 400)])
    computed = sum(positions for _, positions, _ in PackedBatches(samples, 0).workloads())
    assert sum(len(sample.tokens) - 1 for sample in samples) / computed > 0.93


def test_a_part_of_a_pass_shows_a_part_of_the_samples() -> None:
    sizes = [(100, 10), (1, 1), *[(100, 10)] * 18]  # the second has nothing to learn
    batches = PackedBatches(make(sizes), seed=0)
    whole = batches.steps(1)
    assert whole > 2
    assert batches.seen(0) == []
    assert batches.seen(whole) == batches.seen(5 * whole) == [0, *range(2, 20)]
    some = batches.seen(1)
    assert 0 < len(some) < 19
    assert set(some) < set(batches.seen(2))


def test_every_target_names_its_sample() -> None:
    samples = make([(40, 5), (3, 3), (90, 0), (300, 20)])
    for batch in one_pass(PackedBatches(samples, seed=0)):
        targets = np.array(batch.targets)[: batch.tokens, 0]
        assert (targets // 1000 == batch.samples).all()


SHAPES = [BatchShape(2048, 2048), BatchShape(2048, 512), BatchShape(512, 256, 256)]


@pytest.mark.parametrize("shape", SHAPES)
def test_parts_of_any_size_learn_the_same(shape: BatchShape) -> None:
    cut = [
        TokenisedSample.of(s.tokens.tolist(), s.prompt_length, shape.longest_row) for s in SAMPLES
    ]
    batches = PackedBatches(cut, seed=4, shape=shape)
    total: Counter[int] = Counter()
    for part in one_pass(batches):
        assert part.inputs.size == shape.at_once
        total += learned(part)
    assert total == expected(cut)


@pytest.mark.parametrize("shape", [BatchShape(), *SHAPES])
def test_the_load_of_a_batch_is_known_without_making_it(shape: BatchShape) -> None:
    cut = [
        TokenisedSample.of(s.tokens.tolist(), s.prompt_length, shape.longest_row) for s in SAMPLES
    ]
    batches = PackedBatches(cut, seed=4, shape=shape)
    made = [batches[step] for step in range(batches.steps(1))]
    assert batches.workloads() == [
        (
            parts[0].inputs.shape[1],
            sum(part.inputs.size for part in parts),
            sum(part.tokens for part in parts),
        )
        for parts in made
    ]


def test_a_sample_with_soft_targets_brings_them_and_the_others_what_follows() -> None:
    random = np.random.default_rng(0)
    soft = SoftTargets(
        random.integers(0, 50, (6, 3)).astype(np.int32), np.full((6, 3), 0.25, np.float32)
    )
    plain = TokenisedSample.of(range(100, 110), 5)
    taught = TokenisedSample.of(range(200, 210), 4, soft=soft)
    (batch,) = PackedBatches([plain, taught], seed=0)[0]
    tokens = np.array(batch.targets)[: batch.tokens]
    shares = np.array(batch.probabilities)[: batch.tokens]
    is_taught = batch.samples == 1
    np.testing.assert_array_equal(tokens[is_taught], soft.tokens)
    np.testing.assert_array_equal(shares[is_taught], soft.probabilities)
    assert tokens[~is_taught, 0].tolist() == list(range(105, 110))
    assert shares[~is_taught].tolist() == [[1.0, 0.0, 0.0]] * 5


def test_soft_targets_are_cut_with_their_sample() -> None:
    long = BATCH_POSITIONS + 100
    soft = SoftTargets(np.zeros((long - 1, 2), np.int32), np.full((long - 1, 2), 0.5, np.float32))
    sample = TokenisedSample.of(range(long), 1, soft=soft)
    (batch,) = PackedBatches([sample], seed=0)[0]
    assert batch.tokens == sample.targets == BATCH_POSITIONS


def test_showings_count_what_the_batches_hold() -> None:
    samples = [replace(each, fact=f"{n % 3}") for n, each in enumerate(make([(40, 5)] * 90))]
    for looks in ((), (Look(4, 1, known=("0",), missed=("1",)),)):
        batches = PackedBatches(samples, seed=1, shape=BatchShape(), looks=looks)
        for steps in (0, 3, 25):
            parts = [part for step in range(steps) for part in batches[step]]
            firsts = [number for part in parts for number in (np.array(part.samples)).tolist()]
            targets = Counter(firsts)
            assert batches.showings(steps) == {n: many // 35 for n, many in targets.items()}
            assert sorted(batches.showings(steps)) == batches.seen(steps)
