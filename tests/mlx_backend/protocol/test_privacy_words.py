from __future__ import annotations

import pytest

from mlx_backend.protocol.privacy import Exposed, Hit, PrivacyPage, Tested
from mlx_backend.protocol.privacy_words import learned, not_tested, ordinal, rank_of, verdict

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
