"""Who answers from passages after a night: the adapter, the base model, or both in turn."""

from __future__ import annotations

from mlx_backend.exam.open_book import Answered, compared
from mlx_backend.library.adapters import OpenBook
from mlx_backend.protocol import DECLINED


def asked(told: list[str], untold: list[str], odds: list[float | None]) -> list[Answered]:
    """Answers to questions whose key is "3 crowns", then to those that no passage tells."""
    keys = ["3 crowns"] * len(told) + [""] * len(untold)
    texts = [*told, *untold]
    return [
        Answered(str(number), key, text, odd)
        for number, (key, text, odd) in enumerate(zip(keys, texts, odds, strict=True))
    ]


RIGHT, WRONG = "It costs 3 crowns. [1]", "It costs 4 crowns. [1]"


def test_what_is_right_and_what_is_rightly_declined() -> None:
    assert Answered("", "3 crowns", RIGHT).is_right
    assert not Answered("", "3 crowns", WRONG).is_right
    assert not Answered("", "3 crowns", DECLINED).is_right
    assert Answered("", "", DECLINED).is_right
    assert not Answered("", "", RIGHT).is_right


def test_an_adapter_that_reads_as_well_or_better_answers() -> None:
    base = asked([RIGHT] * 4 + [WRONG] * 2, [WRONG] * 6, [2.0] * 12)
    adapter = asked([RIGHT] * 5 + [WRONG], [DECLINED] * 5 + [WRONG], [None] * 12)
    assert compared(base, adapter, None) == OpenBook(
        told=6, untold=6, base_right=4, base_declined=0, adapter_right=5, adapter_declined=5,
        right=5, declined=5,
    )  # fmt: skip


def test_a_difference_of_one_answer_changes_nothing() -> None:
    base = asked([RIGHT] * 5, [DECLINED] * 5, [2.0] * 10)
    adapter = asked([RIGHT] * 4 + [WRONG], [DECLINED] * 5, [None] * 10)
    found = compared(base, adapter, None)
    assert found is not None
    assert (found.by_base, found.again_from, found.right) == (False, None, 4)


def test_where_the_adapter_declines_what_the_passages_tell_the_base_model_answers() -> None:
    base = asked([RIGHT] * 6, [WRONG] * 6, [5.0, 4.0, 3.0, 6.0, 5.0, 4.0, *[1.0] * 5, 3.0])
    adapter = asked([RIGHT] * 3 + [DECLINED] * 3, [DECLINED] * 6, [None] * 12)
    found = compared(base, adapter, None)
    assert found is not None
    assert not found.by_base
    assert found.again_from == 4.0
    assert (found.adapter_right, found.adapter_declined) == (3, 6)
    # One half chose 4.0, the other 6.0: each is counted where it did not choose.
    assert (found.right, found.declined) == (4, 6)
    assert found.goes_again(4.0)
    assert found.goes_again(None)
    assert not found.goes_again(3.9)


def test_where_the_adapter_answers_wrongly_the_base_model_always_does() -> None:
    base = asked([RIGHT] * 6, [DECLINED] * 6, [5.0] * 12)
    adapter = asked([WRONG] * 6, [DECLINED] * 6, [None] * 12)
    found = compared(base, adapter, None)
    assert found is not None
    assert found.by_base
    assert (found.right, found.declined) == (6, 6)


def test_what_the_base_model_finds_untold_is_declined_whoever_answers() -> None:
    base = asked([RIGHT] * 2, [WRONG] * 2, [3.0, 1.0, 1.0, 3.0])
    found = compared(base, base, 2.0)
    assert found is not None
    assert (found.base_right, found.base_declined) == (1, 1)
    assert (found.adapter_right, found.adapter_declined) == (1, 1)


def test_nothing_follows_from_no_answers() -> None:
    base = asked([RIGHT], [], [1.0])
    assert compared(base, [], None) is None
    assert compared([], base, None) is None


def test_a_threshold_that_fits_one_half_alone_is_chance() -> None:
    told = [RIGHT, RIGHT, DECLINED, DECLINED] * 2
    base = asked([RIGHT, RIGHT, WRONG, RIGHT] * 2, [WRONG] * 8, [1.0] * 16)
    found = compared(base, asked(told, [DECLINED] * 8, [None] * 16), None)
    assert found is not None
    assert (found.by_base, found.again_from) == (False, None)


def test_answers_to_questions_that_were_withdrawn_meanwhile_count_nowhere() -> None:
    base = asked([RIGHT, WRONG], [WRONG], [1.0, 1.0, 1.0])
    adapter = [asked([RIGHT, RIGHT], [WRONG], [None] * 3)[0]]
    found = compared(base, adapter, None)
    assert found is not None
    assert (found.told, found.untold, found.base_right, found.adapter_right) == (1, 0, 1, 1)
