"""Quotes are the same words however they are marked; a row's are those of its cells."""

from __future__ import annotations

import pytest

from mlx_backend.dataset.same_words import has_words_of, overlap

PLAIN = "The plum tree was planted by Emil in 1952."


@pytest.mark.parametrize(
    ("text", "quote"),
    [
        (PLAIN, PLAIN),
        (PLAIN, "planted by Emil"),
        (PLAIN, "- The **plum tree** was planted by [Emil](people/emil.md) in `1952`."),
        ("The\nplum  tree", "The plum\ttree"),
        ("The [[plum tree]] stands", "The plum tree stands"),
        ("Shop: what 12 owl jugs, price 780 euros", "| Shop | 12 owl jugs | 780 euros |"),
        ("| Museum shop | 12 owl jugs |", "12 owl jugs"),
        ("Çay içtik", "Çay"),
    ],
)
def test_a_text_has_the_words_of_a_quote(text: str, quote: str) -> None:
    assert has_words_of(text, quote)
    assert overlap(quote, text)


@pytest.mark.parametrize(
    ("text", "quote"),
    [
        (PLAIN, "planted in 1952"),
        (PLAIN, "plum tre"),
        (PLAIN, ""),
        (PLAIN, "| |"),
        ("", PLAIN),
        (PLAIN, "**"),
        ("Museum shop: what 12 owl jugs", "| Museum shop | 780 euros |"),
    ],
)
def test_a_text_has_not_the_words_of_another(text: str, quote: str) -> None:
    assert not has_words_of(text, quote)


def test_nothing_overlaps_with_nothing() -> None:
    assert not overlap("", "")
    assert not overlap("***", PLAIN)
