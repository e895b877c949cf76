"""All planted secrets, in a note each, go the whole way: import, training, export, by processes."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from mlx_backend.dataset.samples import Sample, load_dataset
from mlx_backend.jobs import JobFolder, JobState, JobStatus, launch
from mlx_backend.library import Library
from mlx_backend.library.notes import Notes
from mlx_backend.private_data.masking import mask
from mlx_backend.private_data.scan import find_secrets
from mlx_backend.protocol import NO_PATIENCE, ExportSpec, ImportSpec, JobSpec, TrainSpec
from tests.mlx_backend.private_data.planted_keys import planted_keys
from tests.mlx_backend.private_data.planted_numbers import planted_numbers
from tests.mlx_backend.private_data.planting import LOWER, Planted, fill, some
from tests.mlx_backend.private_data.sentences import PASSWORD_SENTENCES

_TRAIN = TrainSpec(
    name="Planted", model="tiny", steps=6, rank=4, checkpoint_every=3, patience=NO_PATIENCE
)
# Shorter ones, numbers above all, stand in other files by chance.
_LONG = 10
_chance = Random(3)


@pytest.fixture(scope="module")
def planted() -> list[Planted]:
    chance = Random(1729)
    passwords = fill(PASSWORD_SENTENCES, "password", chance)
    return planted_keys(chance, 2) + planted_numbers(chance, 2) + passwords


@pytest.fixture
def folder(planted: list[Planted], tmp_path: Path) -> Path:
    """A note for each, so unlike the others that none is left out for its wording."""
    folder = tmp_path / "planted"
    folder.mkdir()
    for number, item in enumerate(planted):
        text = "\n\n".join((f"# {_prose(3)}", _prose(9), item.text, _prose(9)))
        (folder / f"{number:03}.md").write_text(text + "\n", encoding="utf-8")
    return folder


def _prose(words: int) -> str:
    """A sentence without digits, of words that are nobody's password."""
    made = " ".join("zo" + some(_chance, LOWER, _chance.randint(1, 6)) for _ in range(words))
    return f"{made.capitalize()}."


def test_no_planted_secret_gets_out(
    planted: list[Planted], folder: Path, tiny_library: Library, notes: Notes, tmp_path: Path
) -> None:
    assert len({item.value for item in planted}) >= 300
    assert len({item.kind for item in planted}) >= 40
    export = tmp_path / "export"
    assert run(tiny_library, ImportSpec(paths=(str(folder),))).result["added"] == len(planted)
    run(tiny_library, _TRAIN)
    run(tiny_library, ExportSpec(name="Planted", format="mlx", to=str(export)))
    check_samples(tiny_library, notes, planted)
    check_files([tiny_library.home, export], [item.value for item in planted])


def run(library: Library, spec: JobSpec) -> JobStatus:
    parent = library.runs if isinstance(spec, TrainSpec) else library.jobs
    folder = JobFolder.create(parent, spec)
    launch(folder)
    deadline = time.monotonic() + 120
    while not (status := folder.status()).state.is_over:
        assert time.monotonic() < deadline, folder.log_path.read_text()
        time.sleep(0.05)
    assert status.state is JobState.FINISHED, status.error
    return status


def check_samples(library: Library, notes: Notes, planted: list[Planted]) -> None:
    """Nearly all notes are taught, and none tells its secret but where no rule knows it."""
    (path,) = library.runs.glob("*/samples.json")
    dataset = load_dataset(path)
    told = texts_by_note((*dataset.train, *dataset.held_out))
    ids = {Path(summary.path).stem: summary.id for summary in notes.summaries()}
    texts = [told.get(ids[f"{number:03}"], "") for number in range(len(planted))]
    assert sum(map(bool, texts)) >= 0.95 * len(planted)
    leaked = [item for item, text in zip(planted, texts, strict=True) if item.value in text]
    assert [item for item in leaked if is_known(item)] == []
    passwords = [item for item in leaked if item.kind == "password"]
    assert len(passwords) <= 0.15 * len(PASSWORD_SENTENCES)
    assert len(leaked) - len(passwords) <= 0.05 * (len(planted) - len(PASSWORD_SENTENCES))


def texts_by_note(samples: tuple[Sample, ...]) -> dict[int, str]:
    told: dict[int, str] = {}
    for sample in samples:
        told[sample.note] = f"{told.get(sample.note, '')}\n{sample.prompt}\n{sample.answer}"
    return told


def is_known(item: Planted) -> bool:
    return item.value not in mask(item.text, find_secrets(item.text))


def check_files(folders: list[Path], values: list[str]) -> None:
    """Logs, events, reports, adapters and exports tell none at all, known or not."""
    files = [path for path in files_below(*folders) if is_told_nothing(path)]
    assert {path.name for path in files} >= {"events.jsonl", "job.log", "report.json", "README.md"}
    long = [value.encode() for value in values if len(value) >= _LONG]
    assert len(long) >= 200
    pattern = re.compile(b"|".join(map(re.escape, long)))
    for path in files:
        assert not pattern.search(path.read_bytes()), path


def files_below(*folders: Path) -> Iterator[Path]:
    for folder in folders:
        yield from (path for path in folder.rglob("*") if path.is_file())


def is_told_nothing(path: Path) -> bool:
    """The library keeps the notes themselves; samples are looked at note by note."""
    return not path.name.startswith("library.sqlite") and path.name != "samples.json"
