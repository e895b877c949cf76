from __future__ import annotations

import pytest

from mlx_backend.words import WORD, count_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", 0),
        ("  \n", 0),
        ("one two\nthree", 3),
        ("don't re-enter", 2),
        ("船はフットノート", 8),
        ("a 船 b", 3),
        ("한국어 글", 4),
    ],
)
def test_words_are_counted_in_every_script(text: str, words: int) -> None:
    assert count_words(text) == words


def test_words_with_their_white_space_make_the_text() -> None:
    text = "The boat 船は島へ goes\n\nhome."
    assert "".join(WORD.findall(text)) == text
