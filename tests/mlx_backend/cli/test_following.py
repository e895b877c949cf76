from __future__ import annotations

import io
import sys
from dataclasses import dataclass, field

import pytest

from mlx_backend import protocol
from mlx_backend.cli.following import ProgressBar, ProgressLines, counting, since_launch


@dataclass
class Terminal:
    """Records what was printed, with a clock that the test moves."""

    now: float = 0.0
    lines: list[str] = field(default_factory=list)

    def clock(self) -> float:
        return self.now


@pytest.fixture
def terminal() -> Terminal:
    return Terminal()


@pytest.fixture
def progress(terminal: Terminal) -> ProgressLines:
    return ProgressLines(terminal.lines.append, terminal.clock)


def step(number: int) -> protocol.StepDone:
    return protocol.StepDone(
        step=number,
        steps=12_000,
        loss=2.345,
        learning_rate=1e-3,
        tokens_per_second=1234.0,
        peak_bytes=0,
        elapsed_s=0,
        remaining_s=7000,
    )


def test_a_line_at_most_every_thirty_seconds(terminal: Terminal, progress: ProgressLines) -> None:
    for number in range(1, 201):
        progress.show(step(number))
        terminal.now += 0.5
    assert terminal.lines == [
        "Step 1 of 12,000, loss 2.35, 1,234 tokens a second, about 1.9 hours left.",
        "Step 61 of 12,000, loss 2.35, 1,234 tokens a second, about 1.9 hours left.",
        "Step 121 of 12,000, loss 2.35, 1,234 tokens a second, about 1.9 hours left.",
        "Step 181 of 12,000, loss 2.35, 1,234 tokens a second, about 1.9 hours left.",
    ]


def test_what_is_out_of_the_ordinary_is_said_at_once(
    terminal: Terminal, progress: ProgressLines
) -> None:
    for event in (
        protocol.StageBegan(stage="training"),
        protocol.Waiting(reason="turn", text="It starts when 'Diary' is done."),
        protocol.WaitOver(),
        protocol.AttemptEnded(ending="crash", step=3, text="It crashed and starts again."),
        protocol.Notice(text="Going on from the checkpoint at step 3."),
        protocol.StageBegan(stage="taking the exam"),
        protocol.CheckpointSaved(step=50),
        protocol.EnergyUsed(watt_hours=1.0, how=""),
    ):
        progress.show(event)
    assert terminal.lines == [
        "Training ...",
        "It starts when 'Diary' is done.",
        "Going on.",
        "It crashed and starts again.",
        "Going on from the checkpoint at step 3.",
        "Taking the exam ...",
    ]


EXAMINED = protocol.Examined(
    answers=(
        protocol.ExamAnswer(question="Who lit it?", text="Marta\n lit it.", right=True),
        protocol.ExamAnswer(question="When?\x1b[2J", text="word " * 100, right=False),
    )
)


def test_each_answer_of_the_exam_is_printed_as_it_is_marked(
    terminal: Terminal, progress: ProgressLines
) -> None:
    progress.show(EXAMINED)
    first, second = terminal.lines
    assert first == "+ Who lit it?  Marta lit it."
    assert second.startswith("- When?")
    assert second.endswith("…")
    assert len(second) < 130
    bar = ProgressBar(out := io.StringIO())
    with bar:
        bar.show(EXAMINED)
    assert "+ Who lit it?  Marta lit it." in out.getvalue()
    assert "\x1b[2J" not in out.getvalue()


def test_what_this_process_counts(capsys: pytest.CaptureFixture[str]) -> None:
    with counting() as tell:
        tell("secrets", 0, 40)
        tell("secrets", 1, 40)
        tell("passages", 0, 20)
    assert capsys.readouterr().err.splitlines() == [
        "Testing what the adapter remembers of secrets ...",
        "Letting it go on with your most private passages ...",
    ]


def test_counts_in_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr(out, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stderr", out)
    with counting() as tell:
        tell("secrets", 3, 40)
        tell("secrets", 4, 40)
    assert "4/40" in out.getvalue()
    assert "left" in out.getvalue()


def test_how_far_the_exam_is(terminal: Terminal, progress: ProgressLines) -> None:
    progress.show(protocol.Progress(done=12, total=40, unit="questions", remaining_s=60))
    assert terminal.lines == ["12 of 40 questions, about 60 seconds left."]


def test_a_remark_puts_the_next_step_off(terminal: Terminal, progress: ProgressLines) -> None:
    progress.show(protocol.StageBegan(stage="training"))
    terminal.now += 29
    progress.show(step(1))
    assert terminal.lines == ["Training ..."]
    terminal.now += 1
    progress.show(step(2))
    assert len(terminal.lines) == 2


def test_earlier_lives_of_a_run_are_not_told_again() -> None:
    earlier: list[protocol.JobEvent] = [
        protocol.Launched(),
        protocol.Notice(text="long ago"),
        protocol.Stopped(),
    ]
    now: list[protocol.JobEvent] = [protocol.Launched(), protocol.Started(pid=1)]
    assert list(since_launch([*earlier, *now])) == now
    assert list(since_launch(now[1:])) == now[1:]
    assert list(since_launch([])) == []


def studied(done: int, unit: str = "notes") -> protocol.Progress:
    return protocol.Progress(done=done, total=412, unit=unit, text=f"{done * 6} samples kept")


def test_a_study_says_how_far_it_is(terminal: Terminal, progress: ProgressLines) -> None:
    progress.show(protocol.StageBegan(stage="studying"))
    for done in range(1, 101):
        terminal.now += 0.5
        progress.show(studied(done))
    assert terminal.lines == ["Studying the notes ...", "60 of 412 notes, 360 samples kept."]


def test_what_is_left_of_a_stage_is_said(terminal: Terminal, progress: ProgressLines) -> None:
    progress.show(protocol.Progress(done=0, total=0, unit="notes", remaining_s=600))
    terminal.now += 31
    progress.show(
        protocol.Progress(done=8, total=12, unit="passages", text="31 kept", remaining_s=200)
    )
    assert terminal.lines == [
        "About 10 minutes left.",
        "8 of 12 passages, 31 kept, about 3 minutes left.",
    ]


def test_the_bar_counts_what_the_stage_counts() -> None:
    shown = io.StringIO()
    with ProgressBar(shown) as bar:
        bar.show(protocol.StageBegan(stage="studying"))
        bar.show(studied(30))
        studying = shown.getvalue()
        bar.show(studied(5, "passages"))
        bar.show(protocol.StageBegan(stage="preparing"))
        bar.show(protocol.Planned(notes=412, samples=900, held_out=12, steps=12_000))
        bar.show(protocol.StageBegan(stage="training"))
        bar.show(step(7))
        training = shown.getvalue().rpartition("Training")[2]
    assert "Studying the notes" in studying
    assert "30/412" in studying
    assert "180 samples kept" in studying
    assert "7/12000" in training or "0/12000" in training
    assert "412" not in training


def test_a_bar_whose_end_is_not_known_says_what_it_counts() -> None:
    shown = io.StringIO()
    with ProgressBar(shown) as bar:
        bar.show(protocol.StageBegan(stage="studying"))
        bar.show(protocol.Progress(done=0, total=0, unit="notes", remaining_s=600))
        assert "Studying the notes: 0 note [" in shown.getvalue()
    assert ": :" not in shown.getvalue()


def fetched(done: int) -> protocol.Progress:
    return protocol.Progress(
        done=done, total=1_800_000_000, unit="bytes", text="21.3 MB/s", remaining_s=42
    )


def test_bytes_are_told_in_larger_units(terminal: Terminal, progress: ProgressLines) -> None:
    progress.show(protocol.StageBegan(stage="downloading"))
    for done in (30_000, 2_000_000, 912_345_678):
        terminal.now += 60
        progress.show(fetched(done))
    assert terminal.lines == [
        "Downloading ...",
        "30 kB of 1.8 GB, 21.3 MB/s, about 42 seconds left.",
        "2.0 MB of 1.8 GB, 21.3 MB/s, about 42 seconds left.",
        "912 MB of 1.8 GB, 21.3 MB/s, about 42 seconds left.",
    ]
    shown = io.StringIO()
    with ProgressBar(shown) as bar:
        bar.show(fetched(912_345_678))
        bar.show(protocol.StageBegan(stage="checking"))
    assert "912M/1.80G" in shown.getvalue()
