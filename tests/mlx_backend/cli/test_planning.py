"""`overnight plan`: what it measures and tells."""

from __future__ import annotations

import json
import time
from typing import Any, NoReturn

import pytest

from mlx_backend import locks
from mlx_backend.cli.main import main
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.exam.sizing import Measuring
from mlx_backend.library import Library
from mlx_backend.night.shares import RESERVE
from mlx_backend.run.plan import RunPlan, plan_what_fits
from mlx_backend.run.preparation import Preparation
from tests.mlx_backend.cli.running import Json, Run


def test_a_plan_that_does_not_fit_names_a_base_that_would(
    filled_library: Library, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("mlx_backend.run.plan.memory_available", lambda: 1000)
    monkeypatch.setattr("mlx_backend.run.plan._model_that_fits", lambda *_: "little")
    assert main(["plan", "--steps", "3", "--json"]) == 0
    planned = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (planned["fits"], planned["instead"]) == (False, "little")
    assert main(["plan", "--steps", "3"]) == 0
    assert "--model little" in capsys.readouterr().out


@pytest.mark.parametrize(("hours", "says"), [("0.000001", True), ("1", False)])
def test_a_plan_says_that_the_time_is_too_short(
    filled_library: Library, capsys: pytest.CaptureFixture[str], hours: str, says: bool
) -> None:
    assert main(["plan", "--hours", hours]) == 0
    told = capsys.readouterr().out
    assert ("too short for everything" in told) is says
    assert ("takes longer than the time given" in told) is says


def test_nothing_is_measured_beside_a_training(
    filled_library: Library, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlx_backend.cli.planning._LANE_PATIENCE_S", 0.0)
    with locks.held(filled_library.lane):
        assert run("plan", "--steps", 3, code=1)["error"]["kind"] == "busy"
    seen = []

    def measured(*_: object) -> NoReturn:
        seen.append(locks.is_held(filled_library.lane))
        raise OvernightError(ErrorKind.NO_MEMORY, "Enough seen.", "That is all.")

    monkeypatch.setattr("mlx_backend.run.plan.plan_what_fits", measured)
    run("plan", "--steps", 3, code=1)
    assert seen == [True], "no run begins while it is measured how fast one would be"
    assert not locks.is_held(filled_library.lane)


def test_a_plan_leaves_time_for_the_exams(
    filled_library: Library, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    hours, deadlines = 0.1, []

    def planned(*given: Any) -> tuple[RunPlan, Preparation]:
        deadlines.append(given[3])
        return plan_what_fits(*given)

    def exams_take(before: float, after: float) -> Json:
        took = Measuring(before_s=before, after_s=after)
        monkeypatch.setattr("mlx_backend.run.assessment.expected_measuring", lambda *_: took)
        return run("plan", "--hours", hours, "--no-study")

    monkeypatch.setattr("mlx_backend.run.plan.plan_what_fits", planned)
    began = time.time()
    quick, slow = exams_take(0.0, 0.0), exams_take(100.0, 20.0)
    assert deadlines[1] - began < hours * 3600 * (1 - RESERVE) - 120 + (time.time() - began)
    assert quick["steps"] >= slow["steps"]
    assert slow["minutes"] >= 2.0, "what the person waits for is the whole run"


def test_a_plan_tells_how_the_time_is_shared(
    filled_library: Library, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    planned = run("plan", "--hours", 0.5)
    shares = planned["shares"]
    assert shares.keys() == {"study", "general", "training", "measuring"}
    assert sum(shares.values()) == pytest.approx(planned["minutes"], abs=0.05)
    assert shares["measuring"] <= 5.0
    assert planned["exam"] > 0
    capsys.readouterr()
    assert main(["plan", "--hours", "0.5"]) == 0
    assert "for study of the notes" in (told := capsys.readouterr().out)
    assert "about your notes" in told


def test_a_plan_says_what_is_not_studied_yet(filled_library: Library, run: Run) -> None:
    assert run("plan", "--steps", 1)["unstudied"] > 0
    assert run("plan", "--steps", 1, "--no-study")["unstudied"] == 0
    run("train", "--name", "Garden", "--steps", 1)
    assert run("plan", "--steps", 1)["unstudied"] == 0
