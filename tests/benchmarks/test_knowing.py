"""Does the model know the notes? The exam after each way of learning, side by side.

OVERNIGHT_EXAM names the folder of an exam: notes/, questions.tsv, unanswerable.tsv, and where there
is one paraphrased.tsv, whose questions share few words with the notes (the work log beside this
file). OVERNIGHT_EXAM_HOURS is the time of each training (0.75; three of them).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mlx_backend.asking.grounding import is_declined
from mlx_backend.library import Library, database
from mlx_backend.text.answer_matching import is_right

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(4 * 3600)]

EXAM = Path(os.environ.get("OVERNIGHT_EXAM", Path(__file__).parent / "work_log"))
ASKED = [name for name in ("questions.tsv", "paraphrased.tsv") if (EXAM / name).exists()]
NIGHT = ("--adapter", "night")
HOURS = os.environ.get("OVERNIGHT_EXAM_HOURS", "0.75")


def overnight(home: Path, *arguments: str) -> dict[str, Any]:
    """A command, as a person would type it; what it gives with --json."""
    done = subprocess.run(
        [sys.executable, "-m", "mlx_backend.cli", *arguments, "--json"],
        env=os.environ | {"OVERNIGHT_HOME": str(home)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    result: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return result


def examined(home: Path, *options: str, questions: str = "questions.tsv") -> dict[str, Any]:
    return overnight(home, "exam", str(EXAM / questions), *options)


def keep_everything(home: Path) -> float:
    """Study without filters: what they threw out is taken back in. Returns the hours it took."""
    report = overnight(home, "train", "--name", "studies", "--hours", HOURS, "--steps", "1")
    with database.opened(Library.open(home).database) as connection:
        connection.execute("UPDATE samples SET dropped = ''")
    return float(report["study_minutes"]) / 60


def test_the_ladder_of_learning(tmp_path: Path) -> None:
    ways: dict[str, tuple[str, ...]] = {
        "raw notes only": ("--no-study",),
        "study without filters": (),
        "full recipe": (),
    }
    print(f"\n{EXAM.name}, closed book, after {HOURS} hours each")
    home = tmp_path
    for way, options in ways.items():
        home = tmp_path / way.replace(" ", "-")
        overnight(home, "import", str(EXAM / "notes"))
        if way == "raw notes only":
            print(f"{'untrained':24} {examined(home)['accuracy']:.0%}", flush=True)
        studied = keep_everything(home) if way == "study without filters" else 0.0
        hours = f"{float(HOURS) - studied:.3f}"
        report = overnight(home, "train", "--name", "night", "--hours", hours, *options)
        right = [f"{examined(home, *NIGHT, questions=each)['accuracy']:.0%}" for each in ASKED]
        print(f"{way:24} {', '.join(right)}   {told(report)}", flush=True)
    grounded(home)


def told(report: dict[str, Any]) -> str:
    """What was forgotten, and what it took."""
    return (
        f"general {report['general_before']} -> {report['general_after']} of"
        f" {report['general_asked']}, perplexity {report['perplexity_before']:.1f} ->"
        f" {report['perplexity_after']:.1f}, {report['minutes']:.0f} minutes of training"
    )


def grounded(home: Path) -> None:
    """From the notes: right, rightly cited, and declined, with and without the adapter."""
    for name, options in {"base": (), "adapter": NIGHT}.items():
        for questions in ASKED:
            items = examined(home, "--grounded", *options, questions=questions)["items"]
            right = [item for item in items if item["right"]]
            cited = sum(map(cites_right_note, right))
            print(
                f"grounded, {name}, {questions}: {len(right) / len(items):.0%} right,"
                f" {cited} of {len(right)} from a note that says so, {declined(items)} declined",
                flush=True,
            )
        others = examined(home, "--grounded", *options, questions="unanswerable.tsv")["items"]
        print(f"grounded, {name}, unanswerable: {declined(others)} declined", flush=True)


def cites_right_note(item: dict[str, Any]) -> bool:
    """Whether an answer is in the note that it is said to be from."""
    texts = [Path(cited["path"]).read_text(encoding="utf-8") for cited in item["citations"]]
    return any(is_right(text, tuple(item["answers"])) for text in texts)


def declined(items: list[dict[str, Any]]) -> str:
    return f"{sum(is_declined(item['text']) for item in items)} of {len(items)}"
