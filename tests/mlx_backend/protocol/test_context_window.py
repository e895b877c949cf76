from __future__ import annotations

from hypothesis import given
from hypothesis.strategies import integers, lists

from mlx_backend.protocol.context_window import left_out_of, too_long

SIZES = lists(integers(1, 400), min_size=1, max_size=81).map(
    lambda sizes: sizes if len(sizes) % 2 else sizes[:-1]
)


@given(SIZES, integers(50, 1500))
def test_what_is_kept_fits_whenever_its_question_does(sizes: list[int], room: int) -> None:
    left_out = left_out_of(sizes, room)
    kept = sizes[2 * left_out :]
    assert kept
    assert sum(kept) <= room or len(kept) == 1


@given(SIZES, integers(50, 1500))
def test_as_a_conversation_grows_nothing_comes_back(sizes: list[int], room: int) -> None:
    numbers = [left_out_of(sizes[: end + 1], room) for end in range(0, len(sizes), 2)]
    assert numbers == sorted(numbers)


def test_much_is_left_out_at_once_and_then_nothing_for_a_while() -> None:
    numbers = [left_out_of([10, 30] * n + [10], 400) for n in range(40)]
    assert len(set(numbers)) <= 8
    assert numbers[9] == 0
    assert numbers[10] >= 5


def test_how_much_too_long_is_said_in_words() -> None:
    assert "It is a little more than that" in too_long(1050, 1000).message
    assert "It is 50 percent more than that" in too_long(1500, 1000).message
    assert "about 750 words at once. It is 40 times that" in too_long(40_000, 1000).message
