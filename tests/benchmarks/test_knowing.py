"""Does the model know the notes? The exam after each way of learning, side by side.

OVERNIGHT_EXAM names the folder of an exam: notes/, questions.tsv, unanswerable.tsv (the work log
beside this file). OVERNIGHT_EXAM_HOURS is the time of each training (0.75; three of them).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mlx_backend.grounding import is_declined
from mlx_backend.library import Library, database

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(4 * 3600)]

EXAM = Path(os.environ.get("OVERNIGHT_EXAM", Path(__file__).parent / "work_log"))
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


def keep_everything(home: Path) -> None:
    """Study without filters: what they threw out is taken back in."""
    overnight(home, "train", "--name", "studies", "--hours", HOURS, "--steps", "1")
    with database.opened(Library.open(home).database) as connection:
        connection.execute("UPDATE samples SET dropped = ''")


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
        if way == "study without filters":
            keep_everything(home)
        report = overnight(home, "train", "--name", "night", "--hours", HOURS, *options)
        accuracy = examined(home, "--adapter", "night")["accuracy"]
        print(f"{way:24} {accuracy:.0%}   {told(report)}", flush=True)
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
    for name, options in {"base": (), "adapter": ("--adapter", "night")}.items():
        asked = examined(home, "--grounded", *options)["items"]
        right = [item for item in asked if item["right"]]
        cited = [item for item in right if item["citations"]]
        declined = [item for item in asked if is_declined(item["text"])]
        others = examined(home, "--grounded", *options, questions="unanswerable.tsv")["items"]
        print(
            f"grounded, {name:14} {len(right) / len(asked):.0%} right, {len(cited)} of them cited;"
            f" declined {len(declined)} of {len(asked)} answerable and"
            f" {sum(is_declined(item['text']) for item in others)} of {len(others)} others",
            flush=True,
        )
