"""What is said when a run is over."""

from __future__ import annotations

import pytest

from mlx_backend import protocol
from mlx_backend.cli import following, run_outcome
from mlx_backend.cli.console import Console
from mlx_backend.cli.run_outcome import follow_or_leave
from mlx_backend.errors import OvernightError
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


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (1310, "1,204 of 1,310 facts are known by heart."),
        (
            1250,
            "It was taught 1,310 facts. Of 1,250 that it was asked for afterwards, it knows 1,204"
            " by heart.",
        ),
    ],
)
def test_what_is_known_by_heart_is_told(
    library: Library, capsys: pytest.CaptureFixture[str], asked: int, told: str
) -> None:
    facts = {"facts": 1310, "facts_asked": asked, "facts_known": 1204}
    assert said(library, RESULT | facts, capsys)[1] == told


STEP = protocol.StepDone(
    step=70,
    steps=100,
    loss=2.0,
    learning_rate=1e-3,
    tokens_per_second=10.0,
    peak_bytes=1,
    elapsed_s=1.0,
    remaining_s=1.0,
)
SAVED, AT_LAST = protocol.CheckpointSaved(step=50), protocol.CheckpointSaved(step=70)
CRASHED = protocol.Failed(
    error=protocol.ErrorReport(kind="crashed", message="It crashed.", hint="Look.")
)
NOTHING = "It had not saved anything yet; it starts again from the beginning."
AT_50 = "It can go on from step 50, where it saved last."


@pytest.mark.parametrize(
    ("events", "said"),
    [
        ([STEP, AT_LAST, protocol.Stopped()], "Stopped at step 70 of 100; that is saved."),
        ([SAVED, STEP, protocol.Stopped()], f"Stopped at step 70 of 100. {AT_50}"),
        ([STEP, protocol.Stopped()], f"Stopped at step 70 of 100. {NOTHING}"),
        ([protocol.Stopped()], f"Stopped. {NOTHING}"),
        ([SAVED, STEP, CRASHED], f"Look. {AT_50}"),
        ([STEP, CRASHED], f"Look. {NOTHING}"),
        ([CRASHED], "Look. Go on"),
        ([SAVED, STEP], AT_50),
        ([STEP], NOTHING),
    ],
)
def test_a_run_that_did_not_end_says_from_where_it_goes_on(
    library: Library,
    capsys: pytest.CaptureFixture[str],
    events: list[protocol.JobEvent],
    said: str,
) -> None:
    folder = JobFolder.create(library.runs, TrainSpec(name="Garden", model="tiny"))
    for event in (protocol.Started(pid=1), *events):
        folder.append(event)
    try:
        follow_or_leave(library, folder, leave=False, console=Console(False))
        told = capsys.readouterr().out
    except OvernightError as error:
        told = error.hint
    assert told.startswith(said)
    assert f"Go on with: overnight resume {folder.id}" in told


def test_what_was_studied_is_said_to_be_kept(library: Library) -> None:
    folder = JobFolder.create(library.runs, TrainSpec(name="Garden", model="tiny"))
    folder.append(protocol.Started(pid=1))
    folder.study_record.write_bytes(b"{}")
    with pytest.raises(OvernightError) as caught:
        follow_or_leave(library, folder, leave=False, console=Console(False))
    assert "No training was saved yet" in caught.value.hint
    assert "What it has studied is kept." in caught.value.hint


def ctrl_c(folder: JobFolder) -> None:
    raise KeyboardInterrupt


def test_ctrl_c_as_a_run_finishes_tells_what_came_of_it(
    library: Library, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_outcome, "follow", ctrl_c)
    assert any("Chat with it" in line for line in said(library, RESULT, capsys))


def test_ctrl_c_as_a_run_fails_tells_why(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_outcome, "follow", ctrl_c)
    folder = JobFolder.create(library.runs, TrainSpec(name="Garden", model="tiny"))
    folder.append(CRASHED)
    with pytest.raises(OvernightError, match="It crashed"):
        follow_or_leave(library, folder, leave=False, console=Console(False))


def test_ctrl_c_that_stops_a_run_says_how_to_go_on(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_outcome, "follow", ctrl_c)
    folder = JobFolder.create(library.runs, TrainSpec(name="Garden", model="tiny"))
    folder.append(protocol.Stopped())
    with pytest.raises(KeyboardInterrupt, match="overnight resume"):
        follow_or_leave(library, folder, leave=False, console=Console(False))


@pytest.mark.parametrize("last", [protocol.Finished(result={}), CRASHED])
def test_ctrl_c_as_any_other_job_ends_leaves_its_end(
    library: Library, monkeypatch: pytest.MonkeyPatch, last: protocol.JobEvent
) -> None:
    monkeypatch.setattr(following, "follow", ctrl_c)
    folder = JobFolder.create(library.jobs, TrainSpec(name="Garden", model="tiny"))
    folder.append(last)
    console = Console(False)
    status = following.follow_until_stopped(folder, "Paused", lambda _: "Go on", console)
    assert status.state.is_over
