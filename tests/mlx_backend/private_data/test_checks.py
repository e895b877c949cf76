"""Check digits: valid numbers pass, and a number with one changed digit fails."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest

from mlx_backend.private_data import national_checks as national
from mlx_backend.private_data.checksums import is_card, is_iban
from mlx_backend.private_data.families.seed_phrases import checksum_holds
from mlx_backend.private_data.scan import find_secrets
from tests.mlx_backend.private_data import planted_numbers

_CHECKS: dict[str, Callable[[str], bool]] = {
    "card": is_card,
    "IBAN": is_iban,
    "Steuer-ID": national.is_steuer_id,
    "NIR": national.is_nir,
    "DNI": national.is_dni,
    "codice fiscale": national.is_codice_fiscale,
    "BSN": national.is_bsn,
    "AHV": national.is_ahv,
    "SVNR": national.is_svnr,
    "PESEL": national.is_pesel,
    "personnummer": national.is_personnummer,
}


@pytest.mark.parametrize("kind", _CHECKS)
def test_valid_numbers_pass_and_a_changed_last_place_does_not(kind: str) -> None:
    check = _CHECKS[kind]
    rng = Random(7)
    values = [p.value for p in planted_numbers.planted_numbers(rng, 40) if p.kind == kind]
    assert all(check(value) for value in values)
    changed = [value[:-1] + chr(ord(value[-1]) ^ 1) for value in values]
    assert sum(check(value) for value in changed) <= len(changed) // 10


def test_published_examples_pass() -> None:
    assert is_iban("GB82 WEST 1234 5698 7654 32")
    assert is_iban("DE89370400440532013000")
    assert national.is_ahv("756.9217.0769.85")
    assert national.is_steuer_id("86095742719")
    assert national.is_codice_fiscale("RSSMRA85T10A562S")
    assert national.is_cpf("529.982.247-25")


def test_card_numbers_of_manuals_are_nobodys() -> None:
    assert not is_card("4242 4242 4242 4242")
    assert not is_card("4111111111111111")


def test_seed_phrase_needs_its_checksum_or_a_word_that_tells() -> None:
    good = ["abandon"] * 11 + ["about"]
    assert checksum_holds(good)
    bad = ["abandon"] * 12
    assert not checksum_holds(bad)
    assert find_secrets(" ".join(good))
    assert not find_secrets(" ".join(bad))
    assert find_secrets("My wallet's recovery words: " + " ".join(bad))


def test_numbered_list_of_seed_words_is_found() -> None:
    words = planted_numbers.seed_phrase(Random(5)).split()
    text = "\n".join(f"{place}. {word}" for place, word in enumerate(words, start=1))
    (finding,) = find_secrets(text)
    assert (finding.kind, finding.end) == ("seed phrase", len(text))
