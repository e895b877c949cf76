"""Texts as searches compare them."""

from __future__ import annotations

import unicodedata

import pytest

from mlx_backend.text.folding import folded, places


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Müller", "MÜLLER"),
        ("Müller", "muller"),
        ("MÜLLER", "müller"),
        ("Hauptstraße", "HAUPTSTRASSE"),
        ("HAUPTSTRASSE", "straße"),
        ("İstanbul", "istanbul"),
        ("ISTANBUL", "İstanbul"),
        ("Čapek", "capek"),
        ("Ὀδυσσεύς", "οδυσσευσ"),
        ("ЁЛКА", "ёлка"),
        ("שָׁלוֹם", "שלום"),
        ("مُحَمَّد", "محمد"),
        ("co\u00adoperate", "cooperate"),
        ("がぎぐ", "ぎ"),
    ],
)
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_what_is_looked_for_is_found(text: str, words: str, form: str) -> None:
    text = unicodedata.normalize(form, text)  # type: ignore[arg-type]
    assert folded(words) in folded(text)
    if form == "NFC" or "ぎ" not in words:
        around = f"🦉 {text}!"
        assert [around[start:end] != "" for start, end in places(around, words)] == [True]


@pytest.mark.parametrize(
    ("text", "words", "found"),
    [
        ("See the sea, SEE it", "see", ["See", "SEE"]),
        ("aaaa", "aa", ["aa", "aa"]),
        ("weiß, was", "SS", ["ß"]),
        ("weiß, was", "s", ["s"]),
        ("u\u0308ber u\u0308", "ü", ["u\u0308", "u\u0308"]),
        ("が か", "か", ["か"]),
        ("か\u3099 か", "か", ["か"]),
        ("🦉 Müller", "müll", ["Müll"]),
        ("plain", "", []),
        ("", "x", []),
    ],
)
def test_places_are_whole_characters(text: str, words: str, found: list[str]) -> None:
    assert [text[start:end] for start, end in places(text, words)] == found
