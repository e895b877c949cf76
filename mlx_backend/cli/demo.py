"""`overnight demo`: imports the sample notes, takes an exam, trains, takes the exam again."""

from __future__ import annotations

import argparse
import dataclasses
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from mlx_backend.cli.console import Console
from mlx_backend.cli.following import follow
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.exam.marking import LONGEST_ANSWER, ExamQuestion, read_questions, take_exam
from mlx_backend.jobs import JobFolder, JobStatus, launch
from mlx_backend.library import Library
from mlx_backend.machine import accelerator
from mlx_backend.protocol import NO_PATIENCE, TrainSpec

NAME = "Sample notes"
_PASSES = 4
_HOURS = 0.16  # about ten minutes: a slow machine takes fewer passes


def demo(options: argparse.Namespace, console: Console) -> dict[str, object]:
    """Run the whole journey in a fresh library: in the folder `options.keep`, or a temporary one.

    Raises OvernightError when that folder is not empty, or any part of the journey fails.
    """
    if options.keep is None:
        with tempfile.TemporaryDirectory(prefix="overnight-demo-") as folder:
            return _demo_in(Path(folder), console)
    home = options.keep.expanduser()
    if home.exists() and (not home.is_dir() or any(home.iterdir())):
        raise OvernightError(
            ErrorKind.BAD_INPUT,
            f"There is already something at {home}.",
            "The demonstration needs a new folder to keep its library in.",
        )
    return _demo_in(home, console)


def _demo_in(home: Path, console: Console) -> dict[str, object]:
    outcome = run_demo(Library.open(home), console.say, follow)
    console.say(f"The whole journey took {outcome.minutes:.1f} minutes.")
    return dataclasses.asdict(outcome)


@dataclass(frozen=True)
class DemoOutcome:
    """Right answers out of `asked` before and after training, and the minutes that all took."""

    asked: int
    before: int
    after: int
    minutes: float
    adapter: str


def run_demo(
    library: Library,
    say: Callable[[str], None],
    follow: Callable[[JobFolder], JobStatus],
) -> DemoOutcome:
    """Run the whole journey in `library`. `say` prints a line; `follow` shows a run until its end.

    Raises OvernightError when any part fails.
    """
    began = time.monotonic()
    accelerator.prepare()
    from mlx_backend.importers.importing import import_into

    with resources.as_file(resources.files("resources")) as folder:
        imported = import_into(library, [folder / "sample_notes"])
        questions = read_questions(folder / "sample_questions.tsv")
    say(f"Read {imported.notes} sample notes: the life of a library boat and its crew.")
    say(f"Asking the base model {len(questions)} questions about them, closed book ...")
    before = _correct(library, questions, None)
    say(f"Right before: {before} of {len(questions)}.")
    say("Training on the notes; this is what happens overnight with more of them ...")
    adapter = _trained(library, follow)
    say("Asking the same questions again ...")
    after = _correct(library, questions, adapter)
    say(f"Right after: {after} of {len(questions)}; before: {before}.")
    minutes = (time.monotonic() - began) / 60
    return DemoOutcome(len(questions), before, after, round(minutes, 2), adapter)


def _trained(library: Library, follow: Callable[[JobFolder], JobStatus]) -> str:
    """Train on the library's notes; the name of the adapter."""
    job = JobFolder.create(
        library.runs,
        TrainSpec(name=NAME, model="starter", passes=_PASSES, hours=_HOURS, patience=NO_PATIENCE),
    )
    launch(job)
    try:
        status = follow(job)
    except KeyboardInterrupt:
        _stop(job)  # before its library is removed
        raise
    return str(_finished(status)["adapter"])


def _correct(library: Library, questions: list[ExamQuestion], adapter: str | None) -> int:
    """How many questions the base model, or the adapter, answers right."""
    from mlx_backend.library.adapters import read_adapter
    from mlx_backend.models.base_model import load_base_model
    from mlx_backend.models.inference import ChatModel

    model = ChatModel(load_base_model(library, "starter"))
    model.use([(read_adapter(library.adapters, adapter), 1.0)] if adapter else [])
    items = take_exam(questions, lambda prompts: model.answer_all(prompts, LONGEST_ANSWER))
    return sum(item.right for item in items)


def _stop(job: JobFolder) -> None:
    job.request_stop()
    while not job.status().state.is_over:
        time.sleep(0.1)


def _finished(status: JobStatus) -> dict[str, object]:
    if status.error is not None:
        raise status.error.to_error()
    if "adapter" not in status.result:
        raise OvernightError(
            ErrorKind.RUN_STATE,
            f"The demonstration's training was {status.state.value}.",
            "Run `overnight demo` again.",
        )
    return status.result
