from __future__ import annotations

import time

import pytest

from mlx_backend.text.code_terms import parts, whole_terms


def bare(text: str) -> list[str]:
    return [term[1:] for term in whole_terms(text)]


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("git stash -u", ["u"]),
        ("pass --dry-run first", ["dryrun"]),
        ("call json_each(x) or json.each", ["jsoneach"]),
        ("std::vector and a->b", ["stdvector", "ab"]),
        ("in src/main.rs", ["srcmainrs"]),
        ("a well-known fact - and 3.5 of 4", []),
        ("Der Schlüssel - er hängt - ist weg.", []),
    ],
)
def test_flags_and_divided_identifiers_are_terms(text: str, terms: list[str]) -> None:
    assert bare(text) == terms


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("useState", ["use", "state"]),
        ("the HTMLParser of getURL2", ["html", "parser", "get", "url", "2"]),
        ("Plain words and ABC", []),
    ],
)
def test_capitals_divide_identifiers(text: str, words: list[str]) -> None:
    assert parts(text) == words


@pytest.mark.parametrize("text", ["a_" * 200_000, "aB" * 200_000, "--" * 200_000, "-a" * 200_000])
def test_hostile_texts_take_no_time(text: str) -> None:
    began = time.process_time()
    assert len(whole_terms(text)) <= 500
    assert len(parts(text)) <= 500
    assert time.process_time() - began < 5
