from __future__ import annotations

from typing import Any

import pytest

from mlx_backend.training.verdict import advice, verdict

GOOD: dict[str, Any] = {
    "exam_asked": 20, "exam_before": 1, "exam_after": 16, "steps": 100, "planned_steps": 100,
    "study_used": 200, "general_asked": 120, "general_before": 60, "general_after": 60,
    "perplexity_before": 20.0, "perplexity_after": 20.2,
}  # fmt: skip


def test_what_was_learned_comes_first() -> None:
    assert verdict(GOOD).startswith("The model answers 16 of 20 questions")
    assert "before: 1" in verdict(GOOD)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"exam_after": 1}, "time may have been too short"),
        ({"exam_after": 0, "steps": 10}, "stopped early"),
        ({"exam_after": 1, "study_used": 0}, "Nothing was found"),
    ],
)
def test_a_training_that_did_not_help_says_so_in_the_first_line(
    changes: dict[str, Any], why: str
) -> None:
    told = verdict(GOOD | changes)
    assert told.startswith("The training did not help")
    assert why in told


def test_without_questions_the_wording_is_told_of_or_nothing() -> None:
    few = {"exam_asked": 0, "base_valid_loss": 3.0, "valid_loss": 2.0}
    assert "better than before" in verdict(few)
    assert "too few notes" in verdict({})


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"exam_after": 5}, "longer night"),
        ({"general_after": 50}, "forgot a little"),
        ({"perplexity_after": 30.0}, "forgot a little"),
        ({"cut": [{}]}, "too long"),
        ({"exam_after": 20}, "Ask it something"),
    ],
)
def test_what_to_do_next(changes: dict[str, Any], told: str) -> None:
    assert any(told in sentence for sentence in advice(GOOD | changes))
