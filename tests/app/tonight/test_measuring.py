"""Measuring how long a night takes: given up, not waited for, made again."""

from __future__ import annotations

import time

import msgspec
import pytest
from pytestqt.qtbot import QtBot

from app.jobs.planner import Plan, Planner, PlanQuestion
from app.services import Services
from app.tonight.page import TonightPage
from app.tonight.plan_story import Hours, schedule
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.jobs import JobFolder
from mlx_backend.library import Library
from mlx_backend.locks import held
from mlx_backend.protocol import TrainSpec
from tests.app.filled import add_notes
from tests.app.recorded import PLAN


def test_measuring_can_be_given_up_and_the_run_started_all_the_same(
    library: Library,
    services: Services,
    qtbot: QtBot,
    launched: list[JobFolder],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Planner, "_start", lambda self, question: None)  # never answers
    add_notes(library)
    page = TonightPage(services)
    qtbot.addWidget(page)
    page.show()
    qtbot.waitUntil(page.plan.measuring.isVisible)
    page.plan.measuring.cancel.click()
    assert page.plan.start.isEnabled()
    assert "was not measured" in page.plan.sentence.text()
    assert page.plan.retry.text() == "Measure It"
    page.plan.start.click()
    qtbot.waitUntil(lambda: len(launched) == 1)
    spec = launched[0].spec()
    assert isinstance(spec, TrainSpec)
    assert spec.steps is None


def test_nobody_has_to_wait_until_it_is_measured(
    library: Library,
    services: Services,
    qtbot: QtBot,
    launched: list[JobFolder],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given_up: list[str] = []
    monkeypatch.setattr(Planner, "_start", lambda self, question: None)
    monkeypatch.setattr(Planner, "cancel", lambda self: given_up.append("given up"))
    add_notes(library)
    page = TonightPage(services)
    qtbot.addWidget(page)
    page.show()
    qtbot.waitUntil(page.plan.measuring.isVisible)
    given_up.clear()
    night, now = Hours(services.preferences.settings.hours), time.time()
    a_minute_ago = now - 60  # it may have been written then
    assert page.plan.schedule.text() in {schedule(night, None, t) for t in (a_minute_ago, now)}
    page.plan.start.click()
    assert given_up == ["given up"]  # before the run begins: it would wait for it
    qtbot.waitUntil(lambda: len(launched) == 1)


def test_what_did_not_fit_is_measured_again(
    library: Library, services: Services, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = msgspec.convert(PLAN, Plan)
    answers = [msgspec.structs.replace(plan, fits=fits) for fits in (False, False, True)]

    def answer(planner: Planner, question: PlanQuestion) -> None:
        planner.planned.emit(question, answers.pop(0))

    monkeypatch.setattr(Planner, "ask", answer)
    add_notes(library)
    page = TonightPage(services)
    qtbot.addWidget(page)
    page.show()
    qtbot.waitUntil(page.plan.warning.isVisible)
    page.hide()
    page.show()
    qtbot.waitUntil(lambda: len(answers) == 1)
    assert page.plan.warning.isVisible()
    assert page.plan.retry.text() == "Measure Again"
    page.plan.retry.click()
    qtbot.waitUntil(lambda: not page.plan.warning.isVisible())
    assert not page.plan.retry.isVisible()
    page.hide()
    page.show()
    page.refresh()
    qtbot.wait(50)
    assert page.plan.plan == plan, "what fits is not measured again"


BUSY = OvernightError(ErrorKind.BUSY, "Other work with a model goes on.", "Plan when it is done.")


@pytest.mark.parametrize("is_told", [True, False])
def test_once_the_lane_is_free_it_is_measured_after_all(
    library: Library,
    services: Services,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
    is_told: bool,
) -> None:
    """After a job has ended, or after a command, whose end nobody tells."""
    answers: list[object] = [BUSY, msgspec.convert(PLAN, Plan)]

    def answer(planner: Planner, question: PlanQuestion) -> None:
        told = answers.pop(0)
        (planner.failed if told is BUSY else planner.planned).emit(question, told)

    monkeypatch.setattr(Planner, "ask", answer)
    monkeypatch.setattr("app.jobs.lane_watch._LOOK_MS", 3_600_000 if is_told else 20)
    add_notes(library)
    with held(library.lane):
        page = TonightPage(services)
        qtbot.addWidget(page)
        page.show()
        qtbot.waitUntil(lambda: page.plan.sentence.text() == BUSY.message)
        services.watcher.job_ended.emit("another, while it is still taken")
        qtbot.wait(60)
        assert len(answers) == 1
    if is_told:
        services.watcher.job_ended.emit("the export")
    qtbot.waitUntil(lambda: page.plan.plan is not None)
