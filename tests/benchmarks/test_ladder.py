"""What each part of the recipe brings: the same study, trained with more and more of them.

The notes are studied once; each rung composes its own samples of that study and freezes them in the
folder of a run, so that the product needs no switches.

OVERNIGHT_EXAM: the folder of the exam, as in `test_knowing`.
OVERNIGHT_SEEDS: the seeds of each rung (0,1).
OVERNIGHT_LADDER_STEPS: the steps of each training (400); or OVERNIGHT_EXAM_HOURS: its hours.
OVERNIGHT_RUNGS: the names of the rungs to train, all by default.
OVERNIGHT_LADDER_HOME: a library that stays, so that later rungs need no new study.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec
import pytest

from mlx_backend.dataset import compose, crooked, general_samples, synonyms
from mlx_backend.dataset.compose import Additions
from mlx_backend.dataset.general_samples import GENERAL_ANSWERS, GeneralAnswers
from mlx_backend.dataset.samples import Dataset, Sample, save_dataset
from mlx_backend.jobs import JobFolder, JobState, launch
from mlx_backend.library import Library, database
from mlx_backend.library.notes import Notes
from mlx_backend.library.samples import Samples
from mlx_backend.models.starter import find_base_model
from mlx_backend.protocol import TrainSpec
from tests.benchmarks.test_knowing import ASKED, EXAM, examined, overnight, told

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(48 * 3600)]

SEEDS = [int(seed) for seed in os.environ.get("OVERNIGHT_SEEDS", "0,1").split(",")]
HOURS = os.environ.get("OVERNIGHT_EXAM_HOURS")
STEPS = None if HOURS else int(os.environ.get("OVERNIGHT_LADDER_STEPS", "400"))
_STUDY_HOURS = 3.0  # enough for all passages; study is given a share of them


@dataclass(frozen=True)
class Rung:
    """One way of learning the notes.

    levers: the names of the parts that it has. study: whether it has samples, not only the notes'
    text. filters: whether the samples that study dropped stay out.
    """

    name: str
    levers: frozenset[str] = frozenset()
    study: bool = True
    filters: bool = True


def same(samples: Sequence[Sample], *_: object) -> list[Sample]:
    return list(samples)


LEVERS: dict[str, tuple[object, str, Callable[..., list[Sample]]]] = {
    "crooked wordings": (crooked, "with_crooked", same),
    "synonyms": (synonyms, "with_synonyms", same),
}
"""By name: the module and function that does it, and what stands for the function without it."""

WEIGHTS = "weights"
"""The lever of the weights of keys, which need the samples' keys."""

ADAPTIVE = "adaptive passes"
"""The lever that is no part of the samples: the training looks at what it knows already."""

_ALL = frozenset({*LEVERS, WEIGHTS, ADAPTIVE})
RUNGS = (
    Rung("raw notes", study=False),
    Rung("without filters", filters=False),
    Rung("recipe of 1.0"),
    Rung("+ crooked wordings", frozenset({"crooked wordings"})),
    Rung("+ weights", frozenset({"crooked wordings", WEIGHTS})),
    Rung("+ adaptive passes", frozenset({"crooked wordings", WEIGHTS, ADAPTIVE})),
    Rung("full", _ALL),
    *(Rung(f"full without {lever}", _ALL - {lever}) for lever in sorted(_ALL)),
)
"""Each with all before it, then the whole without each."""


def composed(home: Path, rung: Rung, seed: int) -> Dataset:
    """The samples of a rung. Without filters, from a copy of the library that has none dropped."""
    library = Library.open(home)
    if not rung.filters:
        library = Library.open(home.with_name(f"{home.name}-unfiltered"))
        shutil.copy(home / "library.sqlite", library.database)
    with ExitStack() as stack:
        for lever, (module, function, without) in LEVERS.items():
            if lever not in rung.levers:
                stack.enter_context(patch.object(module, function, without))
        connection = stack.enter_context(database.opened(library.database))
        if not rung.filters:
            connection.execute("UPDATE samples SET dropped = ''")
        material = compose.gather(Notes(connection))
        if not rung.study:
            return msgspec.structs.replace(compose.raw_dataset(material, seed), left_out=())
        studied = compose.studied_passages(Samples(connection), material.passages)
        additions = Additions(general(Library.open(home)))
        found = compose.studied_dataset(studied, material, additions, seed)
    if WEIGHTS not in rung.levers:
        keyless = tuple(msgspec.structs.replace(sample, key="") for sample in found.train)
        found = msgspec.structs.replace(found, train=keyless)
    return msgspec.structs.replace(found, left_out=())


def general(library: Library) -> GeneralAnswers:
    path = find_base_model(library, "starter").path / GENERAL_ANSWERS
    return msgspec.json.decode(path.read_bytes(), type=general_samples.GeneralAnswers)


def trained(home: Path, rung: Rung, name: str, seed: int, dataset: Dataset) -> dict[str, Any]:
    """The report of a run with these samples."""
    hours = float(HOURS) if HOURS else None
    study = any(sample.fact for sample in dataset.train)
    spec = TrainSpec(name=name, model="starter", steps=STEPS, hours=hours, seed=seed, study=study)
    folder = JobFolder.create(home / "runs", spec)
    save_dataset(folder.path / "samples.json", dataset)
    if ADAPTIVE in rung.levers:
        launch(folder)
    else:
        job = [sys.executable, "-m", "tests.benchmarks.ladder_job", str(folder.path)]
        subprocess.run(job, check=True)
    while not (status := folder.status()).state.is_over:
        time.sleep(1)
    assert status.state is JobState.FINISHED, (folder.path / "job.log").read_text()
    report: dict[str, Any] = msgspec.json.decode((folder.path / "report.json").read_bytes())
    return report


def wanted() -> list[Rung]:
    names = [name.strip() for name in os.environ.get("OVERNIGHT_RUNGS", "").split(",")]
    return [rung for rung in RUNGS if names == [""] or rung.name in names]


def test_each_part_of_the_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Path(os.environ.get("OVERNIGHT_LADDER_HOME", tmp_path / "home"))
    monkeypatch.setenv("OVERNIGHT_HOME", str(home))
    if not (home / "library.sqlite").exists():
        overnight(home, "import", str(EXAM / "notes"))
        overnight(home, "train", "--name", "study", "--steps", "1", "--hours", str(_STUDY_HOURS))
    print(f"\n{EXAM.name}, closed book: {', '.join(ASKED)}; {STEPS or HOURS} steps or hours each")
    untrained = [f"{examined(home, questions=each)['accuracy']:.0%}" for each in ASKED]
    print(f"{'untrained':28} {', '.join(untrained)}", flush=True)
    for rung in wanted():
        for seed in SEEDS:
            name = f"{rung.name.strip('+ ')} {seed}"
            report = trained(home, rung, name, seed, composed(home, rung, seed))
            asked = ("--adapter", report["adapter"])  # a library that stays may have the name
            right = [f"{examined(home, *asked, questions=each)['accuracy']:.0%}" for each in ASKED]
            print(f"{rung.name:28} seed {seed}: {', '.join(right)}   {told(report)}", flush=True)
