from __future__ import annotations

import pytest

from mlx_backend.text.words import WORD, count_words, printable


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


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("👨\u200d👩\u200d👧 at home", "👨\u200d👩\u200d👧 at home"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("🏴\U000e0067\U000e0062\U000e007f", "🏴\U000e0067\U000e0062\U000e007f"),
        ("\u200fשלום?", "\u200fשלום?"),
        ("a\x1b[2J\u202eb\nc\u00a0d", "a [2J b c d"),
        ("\u200b \u200d", ""),
        ("\x00a", " a"),
        ("", ""),
    ],
    ids=ascii,
)
def test_what_a_line_can_show(text: str, shown: str) -> None:
    assert printable(text) == shown
