"""The study stage of a run with a model that reads."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from mlx_backend import protocol
from mlx_backend.dataset.compose import gather
from mlx_backend.jobs import JobFolder
from mlx_backend.library import Library
from mlx_backend.library.models import CARD, ModelCard, read_model
from mlx_backend.library.notes import Notes
from mlx_backend.library.sample_drafts import Draft
from mlx_backend.library.samples import Samples
from mlx_backend.library.stored_samples import digest
from mlx_backend.protocol import TrainSpec
from mlx_backend.run.study_stage import StudyStage, expected_writing, unstudied
from mlx_backend.study.by_model.reader.genres import ALL
from tests.mlx_backend.abilities import READS


@pytest.fixture
def reading_library(
    filled_library: Library, tiny_folders: dict[str, Path], tmp_path: Path
) -> Library:
    """The tiny model under the name of its own, with a card that says that it reads."""
    folder = filled_library.models / "reader"
    folder.mkdir()
    for file in tiny_folders["tiny"].iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    card = msgspec.json.decode((folder / CARD).read_bytes(), type=ModelCard)
    card = msgspec.structs.replace(card, name="reader", abilities=READS)
    (folder / CARD).write_bytes(msgspec.json.encode(card))
    return filled_library


def test_what_is_left_to_study_counts_genres(reading_library: Library, notes: Notes) -> None:
    model = read_model(reading_library.models, "reader")
    assert model.reads
    samples, material = Samples(notes.connection), gather(notes)
    number = len(material.passages)
    assert unstudied(samples, material, model) == number
    before = expected_writing(samples, material, model, 1e6)
    samples.save("reader", [(material.passages[0], [])], ["facts"])
    assert unstudied(samples, material, model) == number
    samples.save("reader", [(material.passages[0], [])], list(ALL))
    assert unstudied(samples, material, model) == number - 1
    assert 0 < expected_writing(samples, material, model, 1e6) < before
    assert expected_writing(samples, material, model, 5.0) == 5.0


def test_rules_write_beside_what_the_model_wrote(
    reading_library: Library, notes: Notes, spec: TrainSpec
) -> None:
    samples, passage = Samples(notes.connection), gather(notes).passages[0]
    quote = passage.text.split(".")[0]
    own = Draft(kind="facts", prompt="What is it?", answer=quote, key=quote, quote=quote)
    samples.save("reader", [(passage, [own])], [*ALL])
    spec = msgspec.structs.replace(spec, model="reader")
    folder = JobFolder.create(reading_library.runs, spec)
    StudyStage(reading_library, folder, spec, lambda: False).dataset(notes, None)
    assert (passage.note_id, digest(passage)) in samples.studied("rules")
    assert own.prompt in {stored.prompt for stored, _ in samples.used()}


def test_a_model_that_reads_writes_for_itself_and_rules_beside_it(
    reading_library: Library, notes: Notes, spec: TrainSpec
) -> None:
    spec = msgspec.structs.replace(spec, model="reader")
    folder = JobFolder.create(reading_library.runs, spec)
    StudyStage(reading_library, folder, spec, lambda: False).dataset(notes, None)
    samples = Samples(notes.connection)
    own = {place for _, place in samples.used()}
    assert samples.studied("rules")  # the tiny model writes nothing that could be kept
    assert own == {place for _, place in samples.studied("rules") & samples.written_about("rules")}
    assert samples.genres_studied("reader")
    told = [e for e in folder.reader().read_new() if isinstance(e, protocol.Progress)]
    assert any(each.unit == "passages" and each.done == each.total > 0 for each in told)
    assert unstudied(samples, gather(notes), read_model(reading_library.models, "reader")) == 0
