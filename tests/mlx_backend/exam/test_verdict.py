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
    ("before", "after", "is_little"), [(0, 1, True), (8, 11, True), (0, 3, False), (2, 9, False)]
)
def test_what_chance_may_bring_is_called_hardly_more(
    before: int, after: int, is_little: bool
) -> None:
    told = verdict(GOOD | {"exam_before": before, "exam_after": after})
    assert told.startswith(f"The model answers {after} of 20 questions")
    assert ("hardly more than before" in told) is is_little


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
