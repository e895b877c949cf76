"""The base model beside the plan."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pytestqt.qtbot import QtBot

from app.services import Services
from app.tonight.base_menu import choices_of
from app.tonight.page import TonightPage
from mlx_backend.jobs import JobFolder
from mlx_backend.library import Library
from mlx_backend.library.models import list_models
from mlx_backend.protocol import TrainSpec
from tests.app.filled import add_model, add_notes

PageMaker = Callable[[], TonightPage]


@pytest.fixture
def page(make_page: PageMaker, library: Library, qtbot: QtBot) -> TonightPage:
    add_notes(library)
    add_model(library, "Qwen", 1_000_000)
    page = make_page()
    qtbot.waitUntil(lambda: page.plan.plan is not None)
    return page


def choose(page: TonightPage, name: str) -> None:
    menu = page.plan.base
    place = next(p for p in range(menu.count()) if menu.itemText(p).startswith(name))
    menu.setCurrentIndex(place)
    menu.activated.emit(place)


def test_the_plan_names_the_base_model(page: TonightPage) -> None:
    assert page.plan.base.currentText() == "Starter"
    assert page.plan.base.accessibleName() == "Base model"


def test_another_base_model_makes_another_plan(
    page: TonightPage, services: Services, launched: list[JobFolder], qtbot: QtBot
) -> None:
    with qtbot.waitSignal(services.planner.planned) as planned:
        choose(page, "Qwen")
        assert page.plan.measuring.isVisible()
    assert planned.args[0].model == "Qwen"
    assert services.preferences.settings.base_model == "Qwen"
    qtbot.waitUntil(lambda: page.plan.plan is not None)
    page.plan.start.click()
    qtbot.waitUntil(lambda: bool(launched))
    spec = launched[0].spec()
    assert isinstance(spec, TrainSpec)
    assert spec.model == "Qwen"


def test_a_choice_on_the_models_page_shows_in_the_plan(
    page: TonightPage, services: Services, qtbot: QtBot
) -> None:
    services.preferences.change(base_model="Qwen")
    qtbot.waitUntil(lambda: page.plan.base.currentText().startswith("Qwen"))


def test_what_does_not_fit_and_what_is_gone_say_so(library: Library) -> None:
    add_model(library, "Huge", 10**12)
    choices = choices_of(list_models(library.models), "Gone")
    notes = {choice.name: choice.note for choice in choices}
    assert notes == {
        "starter": "",
        "Huge": "too large to train here",
        "Gone": "not in the library",
    }
