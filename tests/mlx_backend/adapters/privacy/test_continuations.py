from __future__ import annotations

import pytest

from mlx_backend.adapters.privacy.continuations import longest_run


@pytest.mark.parametrize(
    ("text", "run"),
    [
        ("", 0),
        ("Ida built it in 1902, they say.", 5),
        ("IDA BUILT it, in 1902", 5),
        ("It was Ida who built it in 1902", 4),
        ("nothing alike here", 0),
    ],
)
def test_the_longest_run_of_words(text: str, run: int) -> None:
    assert longest_run(text, "of Corrow. Ida built it in 1902 of oak.") == run


def test_only_the_next_words_of_a_note_count() -> None:
    assert longest_run("the very last words", "word " * 5000 + "the very last words") == 0
