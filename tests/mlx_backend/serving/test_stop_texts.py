from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlx_backend.serving.stop_texts import StopTexts


def passed(stops: list[str], pieces: list[str]) -> tuple[str, bool]:
    heard: list[str] = []
    watch = StopTexts(stops, heard.append)
    for piece in pieces:
        watch.take(piece)
    watch.end()
    assert all(heard)
    return "".join(heard), watch.is_found


@pytest.mark.parametrize(
    ("stops", "pieces", "expected"),
    [
        ([], ["one ", "two"], ("one two", False)),
        (["two"], ["one ", "two", " three"], ("one ", True)),
        (["two"], ["one t", "w", "o three"], ("one ", True)),
        (["two"], ["one t", "w"], ("one tw", False)),
        (["b", "abc"], ["ab", "c"], ("a", True)),
        (["abc", "b"], ["a", "x", "abc"], ("ax", True)),
        (["\n\n"], ["one\n", "two\n", "\nthree"], ("one\ntwo", True)),
    ],
)
def test_an_answer_ends_before_the_first_stop(
    stops: list[str], pieces: list[str], expected: tuple[str, bool]
) -> None:
    assert passed(stops, pieces) == expected


@given(
    st.lists(st.text("ab", min_size=1, max_size=3), max_size=3),
    st.lists(st.text("ab", max_size=4), max_size=8),
)
def test_pieces_end_where_the_whole_would(stops: list[str], pieces: list[str]) -> None:
    text, is_found = passed(stops, pieces)
    whole = "".join(pieces)
    assert is_found == any(stop in whole for stop in stops)
    assert whole.startswith(text)
    if not is_found:
        assert text == whole
    else:
        assert not any(stop in text for stop in stops)
        assert any(whole.startswith(stop, len(text)) for stop in stops)
