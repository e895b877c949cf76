"""A whole night with a real model that reads: study, prompt distillation, exam; and beside it the
same samples trained plainly, by their words.

OVERNIGHT_REAL_MODELS, OVERNIGHT_EXAM: as in `test_real_readers`. OVERNIGHT_READERS names the model
(qwen2.5-coder-0.5b). OVERNIGHT_EXAM_HOURS is the time of the night (2); OVERNIGHT_EXAM_STEPS, where
it is set, the number of steps instead, which no other load on the machine changes.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mlx_backend.dataset.samples import load_dataset, save_dataset
from mlx_backend.jobs import JobFolder
from mlx_backend.library import Library
from mlx_backend.protocol import TrainSpec
from tests.benchmarks.real_readers import PLACE
from tests.benchmarks.test_knowing import (
    ASKED,
    EXAM,
    cites_right_note,
    declined,
    examined,
    overnight,
)
from tests.benchmarks.test_real_readers import NAMES, adopted

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(12 * 3600)]

MODEL = os.environ.get("OVERNIGHT_READERS", NAMES[0]).split()[0]
HOURS = os.environ.get("OVERNIGHT_EXAM_HOURS", "2")
STEPS = os.environ.get("OVERNIGHT_EXAM_STEPS", "")


def test_a_night_of_a_reader_with_a_teacher_and_without(tmp_path: Path) -> None:
    if PLACE not in os.environ:
        pytest.skip(f"{PLACE} names no folder to make the models in")
    library = Library.open(tmp_path)
    overnight(tmp_path, "import", str(EXAM / "notes"))
    adopted(library, MODEL)
    print(f"{EXAM.name}, {MODEL}, {f'{STEPS} steps' if STEPS else f'{HOURS} hours'}")
    shown(tmp_path, "untrained", "--model", MODEL)
    bound = ("--steps", STEPS) if STEPS else ("--hours", HOURS)
    report = overnight(tmp_path, "train", "--name", "taught", "--model", MODEL, *bound)
    told("taught", report)
    shown(tmp_path, "taught", "--adapter", "taught")
    plain = plainly(library, JobFolder(library.runs / report["run"]), int(report["steps"]))
    told("plain", overnight(tmp_path, "resume", plain.id))
    shown(tmp_path, "plain", "--adapter", "plain")


def plainly(library: Library, taught: JobFolder, steps: int) -> JobFolder:
    """A run on the frozen samples of another, for as many steps, without a teacher.

    Its rate is the one that the other was trained at.
    """
    spec = taught.spec()
    assert isinstance(spec, TrainSpec)
    rate = msgspec.json.decode((taught.path / "plan.json").read_bytes())["learning_rate"]
    folder = JobFolder.create(
        library.runs,
        msgspec.structs.replace(spec, name="plain", hours=None, steps=steps, learning_rate=rate),
    )
    dataset = load_dataset(taught.path / "samples.json")
    bare = tuple(msgspec.structs.replace(sample, in_view="") for sample in dataset.train)
    save_dataset(folder.path / "samples.json", msgspec.structs.replace(dataset, train=bare))
    shutil.copy(taught.path / "before.json", folder.path)  # it asks the same questions
    return folder


def told(name: str, report: dict[str, Any]) -> None:
    """What was learned and forgotten, and what it took."""
    print(
        f"{name}: {report['study_used']} of {report['study_written']} samples used,"
        f" {report['steps']} steps at rate {report['learning_rate']:g}, ended: {report['ended']};"
        f" held-out loss {report['base_valid_loss']} -> {report['valid_loss']}, KL to the base"
        f" {report['divergence']}, general {report['general_before']} -> {report['general_after']}"
        f" of {report['general_asked']}, perplexity {report['perplexity_before']:.1f} ->"
        f" {report['perplexity_after']:.1f}, {report['peak_bytes'] / 1e9:.2f} GB"
        f" (planned {report['planned_bytes'] / 1e9:.2f}), {report['minutes']:.0f} minutes",
        flush=True,
    )


def shown(home: Path, name: str, *options: str) -> None:
    """Closed book, from the notes, and declined."""
    for questions in ASKED:
        by_heart = examined(home, *options, questions=questions)["accuracy"]
        print(f"{name}, {questions}, closed book: {by_heart:.0%}")
        items = examined(home, "--grounded", *options, questions=questions)["items"]
        right = [item for item in items if item["right"]]
        cited = sum(map(cites_right_note, right))
        print(
            f"{name}, {questions}, from the notes: {len(right) / len(items):.0%} right, {cited} of"
            f" {len(right)} from a note that says so, {declined(items)} declined"
        )
    for ways in ((), ("--grounded",)):
        items = examined(home, *ways, *options, questions="unanswerable.tsv")["items"]
        way = "from the notes" if ways else "closed book"
        print(f"{name}, unanswerable, {way}: {declined(items)} declined", flush=True)
