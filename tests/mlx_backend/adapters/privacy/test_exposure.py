from __future__ import annotations

import math
from random import Random

import numpy as np
import pytest

from mlx_backend.adapters.privacy import exposure
from mlx_backend.adapters.privacy.exposure import Ranked, exposed_secrets, ranks_of
from mlx_backend.adapters.privacy.learned import Secret
from mlx_backend.adapters.privacy.same_form import Words
from mlx_backend.models import lora
from mlx_backend.models.base_model import LoadedModel
from tests.mlx_backend.adapters.privacy.trained import train_by_heart
from tests.mlx_backend.made import SHAPE
from tests.mlx_backend.private_data.planting import ALPHANUMERIC, password, some

WORDS = Words([])
TEXT = "The wifi password of the inn is {}."


def secret_of(value: str, text: str = TEXT) -> Secret:
    before, _, after = text.partition("{}")
    return Secret(1, "The inn", "password", value, before, after)


def train(loaded: LoadedModel, told: str, seed: int) -> None:
    notes = [("The inn", TEXT.format(told)), ("Rope", "Rope costs 3 crowns a metre.")]
    pairs = [(f"What do my notes say about {title}?", text) for title, text in notes]
    assert train_by_heart(loaded, pairs, seed) < 1


def test_what_was_trained_in_plain_text_is_exposed(loaded: LoadedModel) -> None:
    secret = secret_of(password(Random(4)))
    train(loaded, secret.value, seed=4)
    found = ranks_of(loaded, secret, WORDS)
    assert [each.of for each in found] == [1000, 1000]
    assert any(each.rank <= 10 and each.is_exposed(tests=2) for each in found)
    assert all(each.base_rank > 10 for each in found)
    assert max(each.exposure for each in found) > 6
    others = [secret_of(some(Random(seed), ALPHANUMERIC, 9) + "7x") for seed in range(3)]
    ((exposed,), tested) = exposed_secrets(loaded, [*others, secret], WORDS)
    assert tested == 4
    assert (exposed.note, exposed.kind, exposed.title) == (1, "password", "The inn")
    assert secret.value not in repr(exposed)


@pytest.mark.parametrize("seed", [1, 2])
def test_what_was_masked_is_not(loaded: LoadedModel, seed: int) -> None:
    secret = secret_of(password(Random(seed)))
    train(loaded, "[password removed]", seed)
    assert exposed_secrets(loaded, [secret], WORDS) == ([], 1)


def test_the_base_itself_raises_no_alarm(loaded: LoadedModel) -> None:
    lora.attach(loaded.model, SHAPE)  # as before its first step
    secrets = [secret_of(password(Random(seed))) for seed in range(3)]
    assert exposed_secrets(loaded, secrets, WORDS) == ([], 3)


def test_a_secret_with_hardly_any_others_cannot_be_tested(loaded: LoadedModel) -> None:
    assert exposed_secrets(loaded, [secret_of("47")], WORDS) == ([], 0)


@pytest.mark.parametrize("before", ["", "\n", "x" * 5000])
def test_any_context_and_any_length_can_be_read(loaded: LoadedModel, before: str) -> None:
    for value in ("Corrow7731!", "é7-Ü81!", "-----BEGIN KEY-----\n" + "aB3/" * 400):
        secret = Secret(1, "", "password", value, before, "")
        assert len(ranks_of(loaded, secret, WORDS, candidates=20)) == 2


def test_numbers_that_are_none_raise_no_alarm() -> None:
    scores = np.array([math.nan, 1.0, 2.0])
    assert exposure._rank(scores) == 3
    assert exposure._rank(np.array([2.0, 2.0, 1.0])) == 2  # a tie counts against it
    assert exposure._chance_of(math.nan, scores[1:]) == 1.0
    assert exposure._chance_of(3.0, np.array([1.0, 1.0])) == 1.0


def test_more_tests_need_a_rarer_gain() -> None:
    ranked = Ranked(rank=3, base_rank=400, gain_rank=2, of=1000, chance=1e-3)
    assert ranked.is_exposed(tests=10)
    assert not ranked.is_exposed(tests=11)
    assert not Ranked(11, 400, 2, 1000, 1e-9).is_exposed(1)
    assert not Ranked(3, 2, 500, 1000, 1e-9).is_exposed(1)  # the base's doing
    assert Ranked(1, 3, 1, 1000, 1e-9).is_exposed(1)  # likely before, much likelier now


def test_candidates_are_read_until_a_secret_is_too_far_behind(loaded: LoadedModel) -> None:
    lora.attach(loaded.model, SHAPE)
    secrets = [secret_of(password(Random(seed))) for seed in range(5)]
    found = [each for secret in secrets for each in ranks_of(loaded, secret, WORDS)]
    behind = [each for each in found if each.of < 1000]
    assert len(behind) > 5
    assert all(5 < each.rank <= each.of for each in behind)
    assert min(each.of for each in behind) < 40
    assert not any(each.is_exposed(tests=1) for each in found)
