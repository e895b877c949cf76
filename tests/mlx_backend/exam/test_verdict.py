from __future__ import annotations

from typing import Any

import pytest

from mlx_backend.exam import verdict as judging
from mlx_backend.protocol import read_report

GOOD: dict[str, Any] = {
    "exam_asked": 20, "exam_before": 1, "exam_after": 16, "steps": 100, "planned_steps": 100,
    "study_used": 200, "recipe": "what they say", "ended": "all steps", "passes": 4.0,
    "general_asked": 120, "general_before": 60, "general_after": 60,
    "perplexity_before": 20.0, "perplexity_after": 20.2,
}  # fmt: skip


def verdict(fields: dict[str, Any]) -> str:
    return judging.verdict(read_report(fields))


def test_what_was_learned_comes_first() -> None:
    assert verdict(GOOD).startswith("The model answers 16 of 20 questions")
    assert "before: 1" in verdict(GOOD)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"exam_after": 1}, "perhaps not often enough"),
        ({"exam_after": 0, "ended": "no time", "passes": 0.4}, "The time was over before"),
        ({"exam_after": 0, "passes": 0.4}, "It was planned to end before"),
        ({"exam_after": 1, "ended": "no gain", "passes": 0.4}, "It ended by itself"),
        ({"exam_after": 1, "study_used": 0}, "Nothing was found"),
        ({"exam_after": 1, "study_used": 0, "recipe": ""}, "perhaps not often enough"),
    ],
)
def test_a_training_that_did_not_help_says_so_in_the_first_line(
    changes: dict[str, Any], why: str
) -> None:
    told = verdict(GOOD | changes)
    assert told.startswith("The training did not help: ")
    assert why in told
    by_loss = {"exam_asked": 0, "base_valid_loss": 3.0, "valid_loss": 3.0}
    told = verdict(GOOD | changes | by_loss)
    assert told.startswith("The training did not help: the model predicts")
    assert why in told


@pytest.mark.parametrize(
    ("before", "after", "by_chance"), [(0, 1, True), (8, 11, True), (0, 3, False), (2, 9, False)]
)
def test_what_chance_may_bring_is_called_so_after_the_numbers(
    before: int, after: int, by_chance: bool
) -> None:
    told = verdict(GOOD | {"exam_before": before, "exam_after": after})
    assert told.startswith(f"The model answers {after} of 20 questions")
    assert f" on; before: {before}." in told
    assert (f" on; before: {before}. The difference may be chance. " in told) is by_chance


def exam_of(gained: int, lost: int, kept: int = 2) -> dict[str, Any]:
    """An exam of 20 questions, of which so many changed."""
    marks = [(False, True)] * gained + [(True, False)] * lost + [(True, True)] * kept
    items = [{"question": "q", "right_before": b, "right_after": a} for b, a in marks]
    items += [{"question": "q"}] * (20 - len(items))
    return {"exam": items, "exam_before": lost + kept, "exam_after": gained + kept}


@pytest.mark.parametrize(
    ("gained", "lost", "by_chance"), [(5, 0, True), (6, 0, False), (9, 4, True), (11, 2, False)]
)
def test_chance_is_judged_by_the_questions_that_changed(
    gained: int, lost: int, by_chance: bool
) -> None:
    told = verdict(GOOD | exam_of(gained, lost))
    assert ("The difference may be chance." in told) is by_chance


def test_a_tie_is_named_and_a_small_loss_may_be_chance() -> None:
    assert "4 of 20" in (tie := verdict(GOOD | exam_of(2, 2)))
    assert "right, as many as before it. " in tie
    assert "chance" not in tie
    assert "before it 4. The difference may be chance." in verdict(GOOD | exam_of(0, 2))
    assert "chance" not in verdict(GOOD | exam_of(0, 8))


def test_counts_that_do_not_agree_with_the_questions_are_judged_roughly() -> None:
    told = verdict(GOOD | exam_of(6, 0) | {"exam_before": 7})
    assert "The difference may be chance." in told


def test_five_of_eight_after_none_is_not_called_little() -> None:
    items = [{"question": "q", "right_after": i < 5} for i in range(8)]
    told = verdict(GOOD | {"exam_asked": 8, "exam_before": 0, "exam_after": 5, "exam": items})
    assert told.startswith(
        "The model answers 5 of 8 questions about your notes that it was not trained on; before: 0."
        " The difference may be chance. "
    )
    assert "hardly" not in told


def test_that_fewer_questions_were_asked_is_said() -> None:
    told = verdict(GOOD | {"exam_set_aside": 90})
    assert told.endswith(" 20 of 90 questions were asked, because the night was short.")
    assert "were asked" not in verdict(GOOD | {"exam_set_aside": 20})
    none: dict[str, Any] = {"exam_asked": 0, "exam_set_aside": 90}
    assert "night was too short to measure" in verdict(GOOD | none)


@pytest.mark.parametrize(("gained", "lost", "says"), [(1, 9, True), (5, 10, False)])
def test_forgetting_that_may_be_chance_is_no_reason_for_advice(
    gained: int, lost: int, says: bool
) -> None:
    changes = {"general_after": 60 + gained - lost, "general_gained": gained, "general_lost": lost}
    told = judging.advice(read_report(GOOD | changes))
    assert any("forgot a little" in sentence for sentence in told) is says


def test_where_all_was_right_before_there_was_nothing_to_gain() -> None:
    told = verdict(GOOD | {"exam_before": 20, "exam_after": 20})
    assert told.startswith("The model answers 20 of 20 questions")
    assert "not help" not in told


def test_without_questions_the_wording_is_told_of_or_nothing() -> None:
    few: dict[str, Any] = {"exam_asked": 0, "base_valid_loss": 3.0, "valid_loss": 2.0}
    assert "better than before" in verdict(few)
    assert "too few notes" in verdict(few | {"base_valid_loss": None, "valid_loss": None})


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"exam_after": 5}, "Give it a longer night"),
        ({"exam_after": 5, "ended": "no gain"}, "A longer night would not help"),
        ({"general_after": 50}, "forgot a little"),
        ({"perplexity_after": 30.0}, "forgot a little"),
        ({"cut": [{"prompt": "p"}]}, "too long"),
        ({"exam_after": 20}, "Ask it something"),
    ],
)
def test_what_to_do_next(changes: dict[str, Any], told: str) -> None:
    assert any(told in sentence for sentence in judging.advice(read_report(GOOD | changes)))
