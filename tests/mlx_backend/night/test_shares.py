"""What each part of a night gets, with fast and slow models, by counting: nothing is waited for."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from mlx_backend.exam.sizing import FEWEST_QUESTIONS, Costs, Measuring, sized
from mlx_backend.night.shares import (
    GENERAL,
    MEASURING,
    RESERVE,
    STUDY,
    TEACHING,
    answering_s,
    budget_of,
    teaching_s,
)

HOURS = (0.1, 0.3, 0.75, 2.0, 8.0)


@dataclass(frozen=True)
class Model:
    """Seconds: for an answer, all general questions, a text, a passage, a general answer."""

    answer: float
    probe: float
    text: float
    passage: float
    general_answer: float


MODELS = {
    "a large model on a GPU": Model(0.05, 4.0, 0.02, 1.0, 0.05),
    "the starter on two cores": Model(0.5, 60.0, 0.3, 8.0, 0.5),
    "half a billion on two cores": Model(3.0, 150.0, 1.5, 60.0, 4.0),
    "a billion and a half on two cores": Model(9.0, 500.0, 5.0, 200.0, 12.0),
    "too slow for anything": Model(120.0, 9000.0, 60.0, 3000.0, 200.0),
}
PASSAGES, GENERAL_ANSWERS = 400, 320
THERE = Measuring(exam=100, every=1, choosing=32, style=24)


@dataclass(frozen=True)
class Spent:
    """The shares of a night that its parts take; the training has what they leave."""

    study: float
    general: float
    measuring: float
    measured: Measuring

    @property
    def training(self) -> float:
        return 1 - self.study - self.general - self.measuring - RESERVE


def night_of(model: Model, hours: float) -> Spent:
    """A first night: nothing is studied, no general answer and no probe is kept."""
    seconds = hours * 3600
    budget = budget_of(seconds)
    costs = Costs(model.answer, model.answer / 2, model.text, model.probe)
    measured = sized(THERE, costs, budget.measuring)
    study = min(budget.study, PASSAGES * model.passage)
    for_answers = answering_s(budget, study)
    return Spent(
        study / seconds,
        min(for_answers, GENERAL_ANSWERS * model.general_answer) / seconds,
        measured.seconds / seconds,
        measured,
    )


def test_training_has_more_than_half_of_every_night() -> None:
    assert STUDY + GENERAL + MEASURING + RESERVE < 0.5


@pytest.mark.parametrize("hours", HOURS)
@pytest.mark.parametrize("name", MODELS)
def test_no_part_takes_more_than_its_share(name: str, hours: float) -> None:
    spent = night_of(MODELS[name], hours)
    assert spent.study <= STUDY
    assert spent.study + spent.general <= STUDY + GENERAL
    assert spent.general <= 2 * GENERAL
    assert spent.measuring <= MEASURING
    assert spent.training > 0.5


def test_general_answers_take_twice_their_share_where_study_leaves_it() -> None:
    budget = budget_of(3600)
    assert answering_s(budget, budget.study) == budget.general
    assert answering_s(budget, budget.study + 60) == budget.general
    assert answering_s(budget, budget.study - 60) == budget.general + 60
    assert answering_s(budget, 0.0) == 2 * budget.general


@pytest.mark.parametrize("hours", HOURS)
def test_an_exam_has_enough_questions_to_mean_something_or_none(hours: float) -> None:
    asked = [night_of(model, hours).measured.exam for model in MODELS.values()]
    assert asked == sorted(asked, reverse=True), "slower models are asked less"
    assert all(number == 0 or number >= FEWEST_QUESTIONS for number in asked)
    assert (asked[-1] == 0) is (hours < 8)


def test_the_night_of_the_issue() -> None:
    """18 minutes with half a billion parameters on two cores: training had three of them."""
    spent = night_of(MODELS["half a billion on two cores"], 0.3)
    assert spent.training * 18 > 9
    assert spent.study * 18 > 3.5
    assert spent.measured.exam >= 10
    assert spent.measured.every == 8


def test_long_nights_of_fast_models_measure_all_there_is() -> None:
    measured = night_of(MODELS["a large model on a GPU"], 2).measured
    assert (measured.exam, measured.every, measured.choosing, measured.style) == (100, 1, 32, 24)


def test_what_is_known_of_the_base_costs_nothing_before() -> None:
    costs = Costs(1.0, 0.0, 0.0, 100.0, kept=frozenset({2}))
    once = costs.of(Measuring(every=2))
    assert (once.before_s, once.after_s) == (0.0, 50.0)
    assert costs.of(Measuring(every=1)).before_s == 100.0


def test_few_notes_have_few_questions_all_of_which_are_asked() -> None:
    there = Measuring(exam=3, every=1)
    assert sized(there, Costs(1.0, 0.0, 0.0, 10.0), 1000.0).exam == 3
    assert sized(Measuring(every=1), Costs(0.0, 0.0, 0.0, 10.0), 1000.0).exam == 0


def test_a_run_of_steps_has_bounds_too() -> None:
    budget = budget_of(None)
    assert min(budget.study, budget.general, budget.measuring) > 0
    assert budget_of(-5.0).study == 0.0
    assert 0 < teaching_s(None) <= budget.study
    assert (teaching_s(1000.0), teaching_s(-5.0)) == (TEACHING * 1000, 0.0)
