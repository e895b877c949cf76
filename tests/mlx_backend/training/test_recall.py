"""Whether the model knows a fact by heart: what is asked, what counts, and what it costs."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import mlx.core as mx
import numpy as np
import pytest
from numpy.typing import NDArray

from mlx_backend.machine.arrays import flatten
from mlx_backend.models import lora
from mlx_backend.models.base_model import LoadedModel
from mlx_backend.models.lora import LoraShape
from mlx_backend.training import recall as recall_module
from mlx_backend.training.batch_arrays import Batch
from mlx_backend.training.batches import BatchShape, PackedBatches
from mlx_backend.training.recall import KNOWN, ON_THE_WAY, Recall
from mlx_backend.training.step import TrainingStep
from mlx_backend.training.tokenised import SoftTargets, TokenisedSample
from tests.mlx_backend.arrays import bits

PROMPT, TARGETS = 6, 10
KEY = (4, 7)


class Pretended:
    """Stands for a training step; `loss_of` gives each target's loss from its token."""

    def __init__(self, loss_of: Callable[[int], float]) -> None:
        self._loss_of = loss_of
        self.asked: list[list[int]] = []

    def losses(self, batch: Batch) -> NDArray[np.float32]:
        targets = np.array(batch.targets)[: batch.tokens, 0]
        for number in np.unique(batch.samples):
            self.asked.append(targets[batch.samples == number].tolist())
        return np.array([self._loss_of(int(token)) for token in targets], np.float32)


def random_key() -> list[int]:
    state: Any = mx.random.state
    found: list[int] = np.array(state[0]).tolist()
    return found


def sample(number: int, fact: str, key: tuple[int, int] = KEY) -> TokenisedSample:
    """Its targets are the tokens 100 * number, 100 * number + 1 and so on."""
    ids = [1] * PROMPT + [100 * number + place for place in range(TARGETS)]
    return replace(TokenisedSample.of(ids, PROMPT), fact=fact, key=key)


def look(
    samples: Sequence[TokenisedSample], loss_of: Callable[[int], float], steps: int = 1000
) -> tuple[tuple[str, ...], tuple[str, ...], list[list[int]]]:
    pretended = Pretended(loss_of)
    recall = Recall(PackedBatches(samples, seed=1), steps)
    found = recall.look(pretended, step=5, passes=1)  # type: ignore[arg-type]
    return found.known, found.missed, pretended.asked


LOW, BETWEEN, HIGH = -math.log(0.71), -math.log(0.6), -math.log(0.49)


@pytest.mark.parametrize(
    ("at", "loss", "known"),
    [
        (4, LOW, True),
        (4, BETWEEN, False),  # a token of the key
        (6, BETWEEN, False),
        (0, BETWEEN, True),  # on the way to it
        (3, HIGH, False),
        (7, 9.0, True),  # behind the key: not asked for
        (9, math.nan, True),
        (5, math.nan, False),
        (0, math.inf, False),
    ],
)
def test_each_token_up_to_the_end_of_the_key_counts(at: int, loss: float, known: bool) -> None:
    found = look([sample(1, "a")], lambda token: loss if token == 100 + at else 0.01)
    assert found[:2] == ((("a",), ()) if known else ((), ("a",)))
    assert found[2] == [[100, 101, 102, 103, 104, 105, 106]]


def test_without_a_key_the_whole_answer_is_asked_for() -> None:
    one = [sample(1, "a", key=(0, 0))]
    assert look(one, lambda _: LOW)[:2] == (("a",), ())
    assert look(one, lambda token: BETWEEN if token == 109 else LOW)[:2] == ((), ("a",))


@pytest.mark.parametrize("temperature", [1.0, 2.0])
@pytest.mark.parametrize(
    ("at", "chance", "known"),
    [
        (5, 0.5, True),  # as sure as the teacher, which leaves the rest to another word
        (5, 0.44, False),
        (0, 0.46, True),
        (6, 0.65, False),  # the teacher is surer of this token
        (6, 0.71, True),
    ],
)
def test_it_need_not_be_surer_than_its_teacher(
    temperature: float, at: int, chance: float, known: bool
) -> None:
    plain = sample(1, "a")
    shares = np.full((TARGETS, 2), 0.5, np.float32)
    shares[6] = 0.99, 0.01
    shares **= np.float32(1 / temperature)
    answer = plain.tokens[PROMPT:]
    soft = SoftTargets(
        np.stack([answer, answer + 1000], axis=1),
        shares / (shares.sum(axis=1, keepdims=True) + 0.1),  # the rest is all other tokens'
        temperature,
    )
    asked = replace(plain, soft=soft)
    chances = [-math.log(0.71 if place == 6 else 0.5) for place in range(TARGETS)]
    chances[at] = -math.log(chance)
    found = look([asked], lambda token: chances[token - 100])
    assert bool(found[0]) is known
    assert bool(look([plain], lambda token: chances[token - 100])[0]) is False


def test_a_fact_is_asked_for_with_different_keys_and_known_when_it_knows_both() -> None:
    samples = [sample(1, "a", (0, 2))] * 3 + [sample(1, "a", (5, 9))]
    known, missed, asked = look(samples, lambda token: 9.0 if token == 108 else 0.0)
    assert (known, missed) == ((), ("a",))
    assert sorted(map(len, asked)) == [2, 9]


def test_it_is_asked_in_the_wording_of_the_next_pass() -> None:
    base = sample(1, "a")
    reworded = TokenisedSample.of([2, 2, *base.tokens[PROMPT:].tolist()], 2)
    pretended = Pretended(lambda _: 0.0)
    seen: list[int] = []

    def losses(batch: Batch) -> NDArray[np.float32]:
        seen.append(int(np.array(batch.inputs)[0, 0]))
        return Pretended.losses(pretended, batch)

    pretended.losses = losses  # type: ignore[method-assign]
    recall = Recall(PackedBatches([replace(base, rewordings=(reworded,))], 0), 100)
    for passes in (1, 2):
        recall.look(pretended, 5, passes)  # type: ignore[arg-type]
    assert seen == [2, 1]
    assert pretended.asked[0] == pretended.asked[1]


def test_after_the_training_it_is_asked_in_the_questions_own_words() -> None:
    base = sample(1, "a")
    reworded = TokenisedSample.of([2, 2, *base.tokens[PROMPT:].tolist()], 2)
    pretended = Pretended(lambda token: 9.0 if token >= 200 else 0.0)
    pile = replace(sample(2, "a"), is_question=False)  # of words, which nobody would ask with
    recall = Recall(PackedBatches([replace(base, rewordings=(reworded,)), pile], 0), 1000)
    found = recall.last_look(pretended, 5, 1)  # type: ignore[arg-type]
    assert (found.known, found.missed, found.passes) == (("a",), (), 1)
    assert len(pretended.asked) == 1


def test_samples_of_no_fact_and_those_cut_before_their_key_are_not_asked() -> None:
    cut = replace(sample(2, "b"), tokens=sample(2, "b").tokens[: PROMPT + KEY[0]])
    no_fact = replace(sample(3, ""), key=(0, 0))
    recall = Recall(PackedBatches([cut, no_fact], 0), 1000)
    assert recall.facts == 0
    found = recall.last_look(Pretended(lambda _: 0.0), 5, 1)  # type: ignore[arg-type]
    assert (found.known, found.missed) == ((), ())


MANY = [sample(n, f"fact {n % 2000}") for n in range(4000)]


@pytest.mark.parametrize("steps", [100, 400, 4000])
def test_looks_take_three_percent_of_the_time_at_most(steps: int) -> None:
    batches = PackedBatches(MANY, 1)
    recall = Recall(batches, steps)
    pretended = Pretended(lambda _: 0.0)
    recall.look(pretended, 5, 1)  # type: ignore[arg-type]
    tokens = len(pretended.asked) * (PROMPT + KEY[1])
    recall.last_look(pretended, 9, 1)  # type: ignore[arg-type]
    of_the_last = (len(pretended.asked) * (PROMPT + KEY[1])) - tokens
    whole = (3 * tokens + of_the_last) / batches.shape.positions
    assert whole / 2 <= max(0.03 * steps, 2)  # a forward pass takes half of a step
    assert recall.steps_of_all <= max(0.03 * steps, 2)
    assert len(pretended.asked) > 0


def test_another_part_is_asked_at_each_look_and_the_same_again_after_a_resume() -> None:
    def facts_at(step: int) -> tuple[str, ...]:
        recall = Recall(PackedBatches(MANY, 1), 400)
        return recall.look(Pretended(lambda _: 0.0), step, 1).known  # type: ignore[arg-type]

    assert facts_at(7) == facts_at(7)
    assert 20 < len(facts_at(7)) < 2000
    assert len(set(facts_at(7)) & set(facts_at(8))) < len(facts_at(7)) / 2


def test_few_facts_cost_no_more_than_they_are() -> None:
    few = Recall(PackedBatches([sample(n, str(n)) for n in range(5)], 1), 100_000)
    assert few.steps_of_the_last == 0.5


def test_a_look_agrees_with_the_models_own_probabilities_and_changes_nothing(
    loaded: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    mx.random.seed(0)
    lora.attach(loaded.model, LoraShape(rank=4, scale=2.0, dropout=0.3))
    training = TrainingStep(loaded.model)
    random = np.random.default_rng(0)
    samples = [
        replace(TokenisedSample.of(random.integers(3, 390, 20).tolist(), 8), fact=str(n), key=KEY)
        for n in range(40)
    ]
    lowest = {}
    for each in samples:
        logits = np.array(loaded.model(mx.array(each.tokens)[None])[0].astype(mx.float32))
        logits -= logits.max(axis=-1, keepdims=True)
        shares = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
        end = 8 + KEY[1]
        lowest[each.fact] = shares[np.arange(7, end - 1), each.tokens[8:end]].min()
    threshold = float(np.median(list(lowest.values())))
    monkeypatch.setattr(recall_module, "KNOWN", threshold)
    monkeypatch.setattr(recall_module, "ON_THE_WAY", threshold)
    before = bits(flatten(loaded.model.parameters()))
    random_state = random_key()
    shape = BatchShape(positions=512, at_once=256, longest_row=256)
    found = Recall(PackedBatches(samples, 0, shape), 4000).look(training, 3, 1)
    assert set(found.known) == {fact for fact, share in lowest.items() if share > threshold}
    assert len(found.known) + len(found.missed) == 40
    assert bits(flatten(loaded.model.parameters())) == before
    assert random_key() == random_state


def test_the_thresholds_are_the_literatures() -> None:
    assert (KNOWN, ON_THE_WAY) == (0.7, 0.5)
