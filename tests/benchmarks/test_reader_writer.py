"""What real readers write about real notes: the yield by genre, the reasons, and fifty to read.

OVERNIGHT_REAL_MODELS names the folder of the models (see `real_readers`); without it they are
skipped. OVERNIGHT_NOTES names the folder of notes (the exam's work log beside this file),
OVERNIGHT_PASSAGES how many passages are taken at random (100), OVERNIGHT_READERS the models.
"""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from mlx_backend.importers.importing import import_into
from mlx_backend.library import Library, database
from mlx_backend.library.models import CARD, ModelCard
from mlx_backend.library.notes import Notes
from mlx_backend.library.samples import Samples
from mlx_backend.machine import accelerator
from tests.benchmarks import killed_study
from tests.benchmarks.real_readers import PLACE, REAL_MODELS, made
from tests.mlx_backend.abilities import READS

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(12 * 3600)]

NOTES = Path(os.environ.get("OVERNIGHT_NOTES", Path(__file__).parent / "work_log" / "notes"))
PASSAGES = int(os.environ.get("OVERNIGHT_PASSAGES", "100"))
NAMES = [model.name for model in REAL_MODELS]
TRIED = os.environ.get("OVERNIGHT_READERS", "").split() or NAMES
SHOWN = 50
KILLS = 10


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Library:
    monkeypatch.setenv("OVERNIGHT_HOME", str(tmp_path / "library"))
    accelerator.prepare()
    made_library = Library.open()
    import_into(made_library, [NOTES])
    return made_library


@pytest.mark.parametrize("name", TRIED)
def test_what_a_reader_writes(library: Library, name: str) -> None:
    put_in(library, name)
    from mlx_backend.dataset.compose import gather
    from mlx_backend.models.base_model import load_base_model
    from mlx_backend.study.reader_study import ReaderStudy
    from mlx_backend.study.study import StudyPlan

    with database.opened(library.database) as connection:
        material = gather(Notes(connection))
        order = random.Random(0).sample(material.passages, min(PASSAGES, len(material.passages)))
        chosen = [p for p in material.passages if p in order]
        samples = Samples(connection)
        study = ReaderStudy(samples, StudyPlan(None, 0), lambda _: None, lambda: False)
        began = time.process_time()
        found = study.run(chosen, load_base_model(library, name), material.places.pointed_to)
        seconds = time.process_time() - began
        print(f"\n{name}: {NOTES}: {len(chosen)} passages, {seconds:.0f} s of processor time")
        print(f"written {found.written}, kept {found.used} ({found.used / found.written:.0%})")
        tell_by_genre(connection)
        kept = [sample for sample, _ in samples.used()]
        for sample in random.Random(0).sample(kept, min(SHOWN, len(kept))):
            print(
                f"[{sample.kind}] {sample.note_title} | {sample.prompt} | {sample.answer}"
                f" | {sample.key} | {sample.quote!r}"
            )
    assert found.used


def test_killed_at_random_moments_a_reader_loses_one_group_each_time(
    library: Library, tmp_path: Path
) -> None:
    if NAMES[0] not in TRIED:
        pytest.skip(f"{NAMES[0]} is not among those to try")
    put_in(library, NAMES[0])
    log = tmp_path / "log"
    log.touch()
    generator = random.Random(0)
    for number in range(KILLS):
        command = [sys.executable, "-m", killed_study.__name__, str(library.home), NAMES[0]]
        told = len(log.read_text().splitlines())
        process = subprocess.Popen([*command, str(log)])
        while process.poll() is None and len(log.read_text().splitlines()) == told:
            time.sleep(0.5)  # until a first group is saved
        time.sleep(generator.uniform(0, 60))
        process.kill()
        process.wait()
        told = len(log.read_text().splitlines())
        saved = groups_saved(library)
        print(f"kill {number + 1}: {told} groups told of, {saved} saved", flush=True)
        assert told <= saved <= told + number + 1  # a kill may fall between saving and telling


def groups_saved(library: Library) -> int:
    """How many groups of a round were saved; the last one of a round may be smaller."""
    from mlx_backend.study.by_model.reader.genres import ROUNDS
    from mlx_backend.study.reader_study import PASSAGES_AT_ONCE

    with database.opened(library.database) as connection:
        done = Samples(connection).genres_studied(NAMES[0])
    counts = Counter(genre for genres in done.values() for genre in genres)
    return sum(-(-counts[genres[0].name] // PASSAGES_AT_ONCE) for genres in ROUNDS)


def put_in(library: Library, name: str) -> None:
    """Put a model into the library as one that reads, without the trial's hour."""
    if PLACE not in os.environ:
        pytest.skip(f"{PLACE} names no folder to make the models in")
    (model,) = [each for each in REAL_MODELS if each.name == name]
    folder = library.models / name
    folder.mkdir(parents=True)
    for file in made(model, Path(os.environ[PLACE])).iterdir():
        shutil.copyfile(file, folder / file.name)
    card = ModelCard(
        name=name,
        title=name,
        licence="Apache-2.0",
        source="packages",
        parameters=1,
        sha256=model.sha256,
        abilities=READS,
    )
    (folder / CARD).write_bytes(msgspec.json.encode(card))


def tell_by_genre(connection: sqlite3.Connection) -> None:
    """Print how many samples of each genre were kept, and why others were not."""
    rows = connection.execute(
        "SELECT kind, dropped, count(*) AS n FROM samples GROUP BY kind, dropped ORDER BY kind, n"
    ).fetchall()
    for genre in dict.fromkeys(row["kind"] for row in rows):
        own = {row["dropped"] or "kept": row["n"] for row in rows if row["kind"] == genre}
        kept = own.pop("kept", 0)
        print(f"  {genre}: {kept} of {kept + sum(own.values())} kept; {own}")
