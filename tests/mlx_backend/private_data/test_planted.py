"""The share of planted secrets that is found: at least these bounds; -s prints the figures."""

from __future__ import annotations

import re
from collections.abc import Sequence
from random import Random

import pytest

from mlx_backend.private_data.masking import mask
from mlx_backend.private_data.scan import find_secrets
from tests.mlx_backend.private_data.held_out_sentences import BLIND, HELD_OUT
from tests.mlx_backend.private_data.planted_keys import planted_keys
from tests.mlx_backend.private_data.planted_numbers import planted_numbers
from tests.mlx_backend.private_data.planting import Planted, fill
from tests.mlx_backend.private_data.sentences import PASSWORD_SENTENCES

_SEED = 1729
_ROUNDS = 3


def keys() -> list[Planted]:
    return planted_keys(Random(_SEED), _ROUNDS)


def numbers() -> list[Planted]:
    return planted_numbers(Random(_SEED), _ROUNDS)


def sentences() -> list[Planted]:
    return fill(PASSWORD_SENTENCES, "password", Random(_SEED))


def is_found(planted: Planted) -> bool:
    return planted.value not in mask(planted.text, find_secrets(planted.text))


def found_share(planted: Sequence[Planted]) -> float:
    missed = [item for item in planted if not is_found(item)]
    share = 1 - len(missed) / len(planted)
    print(f"\n{len(planted) - len(missed)} of {len(planted)} found ({share:.1%})")
    print("\n".join(f"  missed ({item.kind}): {item.text!r}" for item in missed))
    return share


def test_planted_set_is_large_and_of_many_kinds() -> None:
    planted = keys() + numbers() + sentences()
    assert len(planted) >= 300
    assert len({item.kind for item in planted}) >= 40
    assert len({item.value for item in planted}) >= 300


def test_keys_and_tokens_are_found() -> None:
    assert found_share(keys()) >= 0.95


def test_numbers_with_check_digits_are_found() -> None:
    assert found_share(numbers()) >= 0.95


def test_passwords_in_sentences_are_found() -> None:
    assert found_share(sentences()) >= 0.85


@pytest.mark.parametrize("held_out", [HELD_OUT, BLIND], ids=["before the rules", "after them"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_passwords_in_sentences_that_the_rules_were_not_tuned_on_are_found(
    held_out: Sequence[str], seed: int
) -> None:
    assert found_share(fill(held_out, "password", Random(seed))) >= 0.85


@pytest.mark.parametrize("kind", ["keys", "numbers", "sentences"])
def test_masked_text_holds_nothing_more(kind: str) -> None:
    planted = {"keys": keys, "numbers": numbers, "sentences": sentences}[kind]()
    for item in planted:
        masked = mask(item.text, find_secrets(item.text))
        assert find_secrets(masked) == [], masked


def test_nothing_but_the_password_is_masked() -> None:
    planted = [item for item in sentences() if is_found(item)]
    exact = [item for item in planted if _unmasked(item) == item.text]
    assert len(exact) >= 0.97 * len(planted)


def _unmasked(item: Planted) -> str:
    masked = mask(item.text, find_secrets(item.text))
    return re.sub(r"\[\w+ removed\]", lambda _: item.value, masked)
