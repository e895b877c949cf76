from __future__ import annotations

from importlib import resources

import pytest

from mlx_backend.text.synonyms import synonyms_of


@pytest.mark.parametrize(
    ("word", "synonym"),
    [("mended", "repaired"), ("repairs", "mends"), ("children", "kids"), ("big", "large")],
)
def test_a_synonym_has_the_form_of_its_word(word: str, synonym: str) -> None:
    assert synonym in synonyms_of(word)


@pytest.mark.parametrize("word", ["", "xyzzy", "Ofenrohr", "1984", "日本", "don't"])
def test_what_is_no_english_word_has_none(word: str) -> None:
    assert synonyms_of(word) == ()


def test_no_word_is_its_own_synonym() -> None:
    assert all(word not in synonyms_of(word) for word in ("car", "cars", "begin", "began"))


def test_the_list_is_small_and_names_its_licence() -> None:
    folder = resources.files("resources")
    text = (folder / "synonyms.txt").read_text(encoding="utf-8")
    assert "WordNet 3.0 Copyright 2006 by Princeton University" in text
    assert len(text) < 300_000
    licence = (folder / "synonyms_licence.txt").read_text(encoding="utf-8")
    assert "Permission to use, copy, modify and distribute" in licence
    lines = [line.split() for line in text.splitlines() if not line.startswith("#")]
    assert all(part in {"NOUN", "VERB", "ADJ", "ADV"} and len(words) > 1 for part, *words in lines)
