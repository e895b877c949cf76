from __future__ import annotations

import pytest

from mlx_backend.adoption.trial.declining import (
    known_prompts,
    least_odds,
    measured_least_odds,
)

ANSWERED = dict(known_prompts())


def test_both_kinds_are_asked_in_the_form_of_the_chat() -> None:
    assert len(ANSWERED) == 54
    assert sum(ANSWERED.values()) == 32
    assert all("Question: " in prompt for prompt in ANSWERED)
    assert any("\n\n[2] " in prompt for prompt in ANSWERED)


def test_who_knows_is_believed_and_declines_few() -> None:
    told: list[tuple[int, int]] = []
    spread = {prompt: number % 10 / 10 for number, prompt in enumerate(ANSWERED)}

    def odds_of(prompt: str) -> float:
        return spread[prompt] - (0.0 if ANSWERED[prompt] else 3.0)

    least = measured_least_odds(odds_of, lambda *step: told.append(step))
    assert least is not None
    declined = [odds_of(prompt) < least for prompt, is_told in ANSWERED.items() if is_told]
    assert sum(declined) <= 0.05 * len(declined)
    assert all(odds_of(p) < least for p, is_told in ANSWERED.items() if not is_told)
    assert told[-1] == (54, 54)


@pytest.mark.parametrize("odds", [0.7, None])
def test_who_does_not_know_is_not_asked(odds: float | None) -> None:
    assert measured_least_odds(lambda _: odds) is None


def test_a_third_of_the_unanswered_has_to_be_caught() -> None:
    told = [n / 10 for n in range(20)]  # least: 0.95 - 1.645 * 0.59 = -0.02
    assert least_odds(told, [-1.0] * 4 + [1.0] * 8) == pytest.approx(-0.0232, abs=1e-3)
    assert least_odds(told, [-1.0] * 3 + [1.0] * 9) is None
    assert least_odds(told[:9], [-1.0] * 12) is None
