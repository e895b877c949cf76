from __future__ import annotations

from random import Random

import pytest

from mlx_backend.adapters.privacy.learned import Secret
from mlx_backend.adapters.privacy.same_form import Words, others_like
from mlx_backend.private_data.checksums import is_card, is_iban
from mlx_backend.private_data.scan import find_secrets, scan_note
from tests.mlx_backend.private_data.planted_keys import planted_keys
from tests.mlx_backend.private_data.planted_numbers import planted_numbers
from tests.mlx_backend.private_data.planting import fill
from tests.mlx_backend.private_data.sentences import PASSWORD_SENTENCES

WORDS = Words(["The lighthouse of Amber Cove"])


def secret_in(text: str, kind: str = "") -> Secret:
    span = next(each for each in scan_note(text) if kind in each.kind)
    value = text[span.start : span.end]
    return Secret(1, "Note", span.kind, value, text[: span.start], text[span.end :])


def others(text: str, count: int = 60) -> tuple[Secret, list[str]]:
    secret = secret_in(text)
    found = others_like(secret, count, Random(3), WORDS)
    assert secret.value not in found
    assert len(set(found)) == len(found)
    return secret, found


def test_nearly_all_others_are_found_as_the_same_kind_of_secret() -> None:
    chance = Random(1729)
    planted = planted_keys(chance, 1) + planted_numbers(chance, 1)
    planted += fill(PASSWORD_SENTENCES[:12], "password", chance)
    assert len({item.kind for item in planted}) >= 40
    unlike = []
    for item in planted:
        secret = secret_in(item.text)
        made = others_like(secret, 2, Random(3), WORDS)
        assert len(made) == 2, secret.kind
        assert {len(value) for value in made} == {len(secret.value)}
        for value in made:
            found = find_secrets(f"{secret.before}{value}{secret.after}")
            if secret.kind not in {each.kind for each in found}:
                unlike.append((secret.kind, value))
    assert len(unlike) <= 0.05 * 2 * len(planted), unlike


def test_check_digits_are_right() -> None:
    _, cards = others("My card is 4539 1488 0343 6467, and it is new.")
    assert len(cards) == 60
    assert all(map(is_card, cards))
    _, accounts = others("IBAN: CH93 0076 2011 6238 5295 7")
    assert len(accounts) == 60
    assert all(map(is_iban, accounts))
    assert len({value[4:] for value in accounts}) == 60


def test_words_in_a_password_become_words() -> None:
    _, found = others("The wifi password is Lighthouse-Cove77!")
    assert all(value[10] == "-" and value[-1] == "!" and value[-3:-1].isdigit() for value in found)
    assert all(value[0].isupper() and value[11].isupper() for value in found)
    common = set(Words([])._by_length[4])
    assert all(value[11:15].lower() in common | {"cove"} for value in found)


def test_classes_of_characters_stay() -> None:
    secret, found = others("The wifi password is qX7!pL20zz")

    def classes(value: str) -> list[tuple[bool, bool, bool]]:
        return [(char.isupper(), char.islower(), char.isdigit()) for char in value]

    assert all(classes(value) == classes(secret.value) for value in found)


def test_a_short_code_has_all_others_there_are() -> None:
    _, found = others("The alarm code is 4711.", count=9999)
    assert 9000 < len(found) <= 9999


@pytest.mark.parametrize("value", ["", " ", "ü", "密码", "a" * 500, "\0\n"])
def test_odd_secrets_do_no_harm(value: str) -> None:
    secret = Secret(1, "Note", "password", value, "The password is ", ".")
    assert all(len(each) == len(value) for each in others_like(secret, 5, Random(1), WORDS))
