from __future__ import annotations

import pytest

from mlx_backend.library import drop_reasons
from mlx_backend.library.sample_drafts import Draft
from mlx_backend.study.by_model import filters

QUOTE = "The mill was painted by Oskar in 1990."
CONTEXT = f"Mill notes {QUOTE} Its sails are 12 metres long."


def draft(prompt: str, key: str = "Oskar", kind: str = "name") -> Draft:
    return Draft(kind=kind, prompt=prompt, answer=f"Mill notes: {QUOTE}", key=key, quote=QUOTE)


@pytest.mark.parametrize(
    ("prompt", "key", "kind", "why"),
    [
        ("Who painted the mill in 1990?", "Oskar", "name", ""),
        ("When was the mill painted?", "1990", "month", ""),
        ("The mill was painted", "Oskar", "name", drop_reasons.NOT_A_QUESTION),
        ("Who?", "Oskar", "name", drop_reasons.NOT_A_QUESTION),
        ("Who is the Oskar of the mill?", "Oskar", "name", drop_reasons.TELLS_ANSWER),
        ("What is the mill's paint?", "1990", "month", drop_reasons.WRONG_WORD),
        ("Who painted the church of the mill?", "Oskar", "name", drop_reasons.UNSUPPORTED),
        ("What is the mill?", "Oskar", "name", drop_reasons.WRONG_WORD),
    ],
)
def test_what_a_question_says_decides(prompt: str, key: str, kind: str, why: str) -> None:
    assert filters.check_wording(draft(prompt, key, kind), CONTEXT).dropped == why


def test_the_model_must_read_the_same_answer() -> None:
    asked = draft("Who painted the mill in 1990?")
    assert not filters.check_round_trip(asked, "It was Oskar.").dropped
    assert filters.check_round_trip(asked, "1990").dropped == drop_reasons.NO_ROUND_TRIP
    assert filters.check_round_trip(asked, "").dropped == drop_reasons.NO_ROUND_TRIP


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("In 1990 the mill was painted by Oskar.", ""),
        (QUOTE, drop_reasons.REPEATED),
        ("In 1991 the mill was painted by Oskar.", drop_reasons.UNSUPPORTED),
        ("In 1990 the mill was painted by Ida.", drop_reasons.UNSUPPORTED),
        ("The mill was painted.", drop_reasons.UNSUPPORTED),
        ("Oskar painted the mill in 1990, 1990, 1990.", drop_reasons.UNSUPPORTED),
    ],
)
def test_other_words_must_say_the_same(said: str, why: str) -> None:
    restated = Draft(kind="restated", prompt="?", answer=said, key="", quote=QUOTE)
    assert filters.check_support(restated, CONTEXT).dropped == why


@pytest.mark.parametrize(
    ("quote", "said", "why"),
    [
        (
            "We tried --depth and it was slow.",
            "We tried it and it was slow.",
            drop_reasons.UNSUPPORTED,
        ),
        ("We tried --depth and it was slow.", "It was slow when we tried --depth.", ""),
        ("Press ? for help on the mill.", "Press help for the mill.", drop_reasons.UNSUPPORTED),
        ("Read :h about the mill in this.", "Read about h of the mill.", drop_reasons.UNSUPPORTED),
        (
            "See the mill notes for more of it.",
            "See mill notes for more.",
            drop_reasons.UNSUPPORTED,
        ),
        (
            "What if the mill does stop then?",
            "What if the mill does stop?",
            drop_reasons.UNSUPPORTED,
        ),
        (
            "You can stop the mill by treating it",
            "Stop the mill by treating it as a",
            drop_reasons.UNSUPPORTED,
        ),
        ("The mill is not open then.", "Then the mill is open.", drop_reasons.UNSUPPORTED),
        (
            "When the mill turns, never stop it.",
            "Stop the mill when it turns.",
            drop_reasons.UNSUPPORTED,
        ),
        (
            "The mill doesn't turn when it does not rain.",
            "When it does not rain the mill does not turn.",
            "",
        ),
        ("The sails of the mill cost 5 euros each.", "The mill sails cost 5 euros each.", ""),
        ("See what the mill does then:", "The mill does what it does.", drop_reasons.UNSUPPORTED),
    ],
)
def test_signs_stay_and_what_points_on_is_not_reworded(quote: str, said: str, why: str) -> None:
    restated = Draft(kind="restated", prompt="?", answer=said, key="", quote=quote)
    assert filters.check_support(restated, f"Mill notes {quote} when").dropped == why


def test_what_is_there_already_is_not_written_again() -> None:
    there = [draft("Who painted the mill in 1990?")]
    new = [draft("Who did paint the mill in 1990?"), draft("Who made the sails 12 metres long?")]
    repeated, fresh = filters.without_repeats(new, there)
    assert repeated.dropped == drop_reasons.REPEATED
    assert not fresh.dropped
