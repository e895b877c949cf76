from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.jobs.planner import Plan, Planner, PlanQuestion, read_reply
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.library import Library
from mlx_backend.library.notes import Totals
from mlx_backend.settings import Settings

PlannerMaker = Callable[[str], Planner]

_REPLY = '{"samples":240,"steps":600,"peak_bytes":2100000000,"minutes":12.4,"fits":true,"notes":25}'
_PLAN = Plan(samples=240, steps=600, peak_bytes=2_100_000_000, minutes=12.4, fits=True, notes=25)
_ERROR = '{"error":{"kind":"no_notes","message":"There are no notes.","hint":"Add some."}}'


def asking(words: int) -> PlanQuestion:
    return PlanQuestion.of(Totals(notes=25, words=words, tokens=2000), Settings())


@pytest.fixture
def make_planner(library: Library, qtbot: QtBot) -> Iterator[PlannerMaker]:
    planners: list[Planner] = []

    def make(script: str) -> Planner:
        planner = Planner(library, command=(sys.executable, "-c", script))
        planners.append(planner)
        return planner

    yield make
    for planner in planners:
        planner.shut_down()


def test_last_line_is_the_plan(make_planner: PlannerMaker, qtbot: QtBot) -> None:
    planner = make_planner(f"print('measuring'); print('{_REPLY}')")
    with qtbot.waitSignal(planner.planned) as planned:
        planner.ask(asking(1443))
    assert planned.args == [asking(1443), _PLAN]


def test_the_same_question_is_measured_once(
    make_planner: PlannerMaker, qtbot: QtBot, tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    planner = make_planner(f"open({str(runs)!r}, 'a').write('x'); print('{_REPLY}')")
    for _ in range(3):
        with qtbot.waitSignal(planner.planned):
            planner.ask(asking(1443))
    with qtbot.waitSignal(planner.planned):
        planner.ask(asking(1444))
    assert runs.read_text() == "xx"


@pytest.mark.parametrize(
    ("was", "by_now"),
    [('"fits":true', '"fits":false'), ('"fits":true', '"fits":true,"saves_to_fit":true')],
)
def test_a_plan_that_memory_was_short_for_is_measured_again(
    make_planner: PlannerMaker, qtbot: QtBot, tmp_path: Path, was: str, by_now: str
) -> None:
    runs = tmp_path / "runs"
    reply = _REPLY.replace(was, by_now)
    planner = make_planner(f"open({str(runs)!r}, 'a').write('x'); print('{reply}')")
    for _ in range(2):
        with qtbot.waitSignal(planner.planned):
            planner.ask(asking(1443))
    assert runs.read_text() == "xx"


def test_what_was_studied_since_makes_another_question() -> None:
    totals = Totals(notes=25, words=1443, tokens=2000)
    before, after = (PlanQuestion.of(totals, Settings(), studied) for studied in (0, 104))
    assert before != after


def test_a_new_question_replaces_the_old(make_planner: PlannerMaker, qtbot: QtBot) -> None:
    planner = make_planner(f"import time; time.sleep(0.3); print('{_REPLY}')")
    answered: list[PlanQuestion] = []
    planner.planned.connect(lambda question, _: answered.append(question))
    planner.ask(asking(1))
    with qtbot.waitSignal(planner.planned):
        planner.ask(asking(2))
    assert answered == [asking(2)]


def test_asks_for_the_person_s_library_model_and_hours(
    make_planner: PlannerMaker, qtbot: QtBot, library: Library, tmp_path: Path
) -> None:
    heard = tmp_path / "heard"
    script = (
        "import os, sys; print(sys.argv[1:], os.environ['OVERNIGHT_HOME'], file=open({!r}, 'w'))"
    )
    planner = make_planner(script.format(str(heard)))
    with qtbot.waitSignal(planner.failed) as failed:
        planner.ask(asking(1))
    assert failed.args[1].kind is ErrorKind.INTERNAL
    arguments = "['plan', '--json', '--model', 'starter', '--hours', '8.0']"
    assert heard.read_text() == f"{arguments} {library.home}\n"
    with qtbot.waitSignal(planner.failed):
        planner.ask(replace(asking(1), start_from="-Garden"))
    assert heard.read_text().endswith(f", '--from=-Garden'] {library.home}\n")


def test_its_typed_error_arrives(make_planner: PlannerMaker, qtbot: QtBot) -> None:
    planner = make_planner(f"print('{_ERROR}'); raise SystemExit(1)")
    with qtbot.waitSignal(planner.failed) as failed:
        planner.ask(asking(1))
    assert failed.args[1].kind is ErrorKind.NO_NOTES
    assert failed.args[1].hint == "Add some."


@pytest.mark.parametrize("output", [b"", b"\xff\xfe", b"[1, 2]", b'{"samples": "many"}', b"null"])
def test_replies_without_sense_are_typed_errors(output: bytes) -> None:
    with pytest.raises(OvernightError) as caught:
        read_reply(output, "Traceback")
    assert caught.value.kind is ErrorKind.INTERNAL
    assert "Traceback" in caught.value.detail
