"""What is said when a run is over."""

from __future__ import annotations

import pytest

from mlx_backend import protocol
from mlx_backend.cli.console import Console
from mlx_backend.cli.run_end import follow_or_leave
from mlx_backend.jobs import JobFolder
from mlx_backend.library import Library
from mlx_backend.protocol import TrainSpec

RESULT: dict[str, object] = {
    "adapter": "Garden",
    "steps": 3,
    "minutes": 2.0,
    "valid_loss": None,
    "verdict": "The model answers 3 of 4 questions.",
    "general_asked": 30,
    "general_before": 20,
    "general_after": 19,
    "advice": ["Ask it something.", "Sleep."],
    "report": "/runs/x/report.json",
}


def said(
    library: Library, result: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> list[str]:
    folder = JobFolder.create(library.runs, TrainSpec(name="Garden", model="tiny"))
    folder.append(protocol.Finished(result=result))
    assert follow_or_leave(library, folder, leave=False, console=Console(False)) == result
    return capsys.readouterr().out.splitlines()


def test_what_came_of_it_stands_first_and_the_report_can_be_found(
    library: Library, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said(library, RESULT, capsys) == [
        "The model answers 3 of 4 questions.",
        "General questions, to see what was forgotten: 19 of 30 right; before: 20.",
        "Trained 'Garden' in 3 steps, 2 minutes.",
        "Ask it something.",
        "Sleep.",
        'Chat with it: overnight chat --adapter "Garden"',
        "The whole report: /runs/x/report.json",
    ]


def test_what_was_not_measured_is_not_told(
    library: Library, capsys: pytest.CaptureFixture[str]
) -> None:
    few: dict[str, object] = {"adapter": "Garden", "steps": 3, "minutes": 2.0}
    assert [line.split()[0] for line in said(library, few, capsys)] == ["Trained", "Chat"]
