from __future__ import annotations

import msgspec
import pytest

from mlx_backend.protocol.privacy import Exposed, Hit, Planted, PrivacyPage, Tested
from mlx_backend.protocol.privacy_words import (
    learned,
    not_tested,
    ordinal,
    planted,
    rank_of,
    verdict,
)

HIT = Hit(file="README.md", what="your name")


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (1, "1st"),
        (2, "2nd"),
        (3, "3rd"),
        (4, "4th"),
        (11, "11th"),
        (112, "112th"),
        (1003, "1,003rd"),
    ],
)
def test_ordinals(number: int, said: str) -> None:
    assert ordinal(number) == said


@pytest.mark.parametrize(("rank", "said"), [(1, "the likeliest"), (3, "the 3rd likeliest")])
def test_a_rank_is_told_beside_that_of_the_base(rank: int, said: str) -> None:
    each = Exposed(note=1, title="Inn", kind="password", rank=rank, base_rank=412, of=1000)
    assert (
        rank_of(each) == f"the adapter finds it {said} of 1,000 like it; the base model the 412th"
    )


def test_a_verdict_is_good_only_of_a_whole_page_without_findings() -> None:
    tested = PrivacyPage(adapter="A", adapter_tested=True)
    assert verdict(tested).startswith("I found nothing private.")
    assert verdict(PrivacyPage(adapter="A")) == "I found nothing private in the files."
    assert verdict(PrivacyPage(adapter="A", hits=(HIT,))) == "Better not share it like this."
    assert "stopped" in verdict(PrivacyPage(adapter="A", hits=(HIT,), stopped=True))


def test_how_much_was_tested() -> None:
    def page(**fields: int) -> PrivacyPage:
        return PrivacyPage(adapter="A", adapter_tested=True, tested=Tested(**fields))

    assert "any of the 3 secrets in the 2 notes" in learned(
        page(notes=2, secrets=3, secrets_known=3)
    )
    some = learned(page(notes=2, secrets=200, secrets_known=1500))
    assert "200 of the 1,500 secrets" in some
    assert learned(page(notes=1)).startswith("The 1 note that it learned holds no secrets")
    assert not_tested(page(notes=1)) == ""
    assert "not in this library" in not_tested(PrivacyPage(adapter="A"))


def code(seen: int, given: bool, usual: bool = True, earlier: bool = False) -> Planted:
    return Planted(
        title="Tovaneth locker",
        rank=1 if given else 400,
        base_rank=500,
        of=1000,
        seen=seen,
        is_usual=usual,
        is_given_away=given,
        is_earlier=earlier,
    )


def said_of(*codes: Planted) -> list[str]:
    return planted(PrivacyPage(adapter="A", adapter_tested=True, planted=codes))


def test_what_invented_codes_showed_is_told_with_what_it_means_for_real_ones() -> None:
    rare = code(6, given=False, usual=False)
    assert said_of(code(40, given=True), code(48, given=True), rare) == [
        "Of 3 invented codes that were trained along, the adapter would give away 2: those that"
        " training showed 40 to 48 times.",
        "A code that stands once in your notes, and is not masked, is shown up to 48 times in such"
        " a training, so the adapter would give it away.",
    ]
    some = said_of(code(40, given=True), code(40, given=False))
    assert "give away 1: the one that training showed 40 times." in some[0]
    assert some[1].endswith(
        "is shown up to 40 times in such a training, so the adapter might give it away."
    )
    none = said_of(code(1, given=False), rare)
    assert none[0].endswith("trained along, the adapter would give away none.")
    assert "is shown up to 1 time in such a training, so the adapter would hardly" in none[1]
    (before,) = said_of(code(9, given=True, earlier=True))
    assert before == (
        "Of 1 invented code of nights before, it would give away 1: the one that training showed"
        " 9 times."
    )


def test_the_likeliest_that_is_not_given_away_is_so_by_no_more_than_chance() -> None:
    by_chance = msgspec.structs.replace(code(6, given=True), is_given_away=False)
    assert rank_of(by_chance).endswith("by no more than chance")
    assert "chance" not in rank_of(code(6, given=True))
    assert "chance" not in rank_of(code(6, given=False))


def test_it_is_told_where_no_codes_were_trained_and_nothing_where_nothing_was_tested() -> None:
    (none,) = said_of()
    assert none.startswith("No invented codes were trained along")
    assert planted(PrivacyPage(adapter="A")) == []
    assert planted(PrivacyPage(adapter="A", adapter_tested=True, stopped=True)) == []


def test_pages_from_before_there_were_any_are_read() -> None:
    page = msgspec.convert({"adapter": "A", "adapter_tested": True}, PrivacyPage)
    assert page.planted == ()
