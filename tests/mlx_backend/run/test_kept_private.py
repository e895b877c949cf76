"""A run that goes on never learns what was masked, or came to be known as private, meanwhile."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from mlx_backend.dataset.samples import Dataset, Sample
from mlx_backend.importers.importing import import_into
from mlx_backend.jobs import JobFolder
from mlx_backend.library import Library
from mlx_backend.library.curation_findings import CurationFindings
from mlx_backend.library.notes import Notes
from mlx_backend.protocol import Notice, StepDone, TrainSpec
from mlx_backend.run.kept_private import keeps_private
from mlx_backend.run.training_run import TrainingRun

# Put together here, so that no scanner takes this file for a leak.
KEY = "AKIA" + "Q3EGTX7" + "MN2RWDVLZ"
PASSWORD = "tr0ub" + "4dor-Kelp"


@pytest.fixture
def folder(filled_library: Library, notes_folder: Path, spec: TrainSpec) -> JobFolder:
    """A run on notes of which one tells two secrets; it has not begun."""
    (notes_folder / "boat.md").write_text(
        f"# Boat\n\nThe wifi password is {PASSWORD}. The harbour is on Corrow.\n\n"
        f"The key {KEY} belongs to the harbour master.\n"
    )
    import_into(filled_library, [notes_folder])
    return JobFolder.create(filled_library.runs, spec)


@pytest.fixture
def boat(folder: JobFolder, notes: Notes) -> int:
    return next(note.id for note in notes.summaries() if note.title == "Boat")


def work(library: Library, folder: JobFolder, until: int | None = None) -> bool:
    """Let the run go on, up to a step; whether it came to its end."""
    spec = folder.spec()
    assert isinstance(spec, TrainSpec)
    run = TrainingRun(library, folder, spec)
    return run.run(lambda: until is not None and folder.status().step >= until) is not None


def samples(folder: JobFolder) -> Path:
    return folder.path / "samples.json"


def as_an_older_version_wrote_it(folder: JobFolder, reveal: dict[str, str]) -> None:
    """Without a word of how it was masked; `reveal` maps what it has to what it should have."""
    content = json.loads(samples(folder).read_bytes())
    del content["masking"]
    text = json.dumps(content, ensure_ascii=False)
    for masked, secret in reveal.items():
        assert masked in text
        text = text.replace(masked, secret)
    samples(folder).write_text(text)


def began_again(folder: JobFolder) -> bool:
    """Whether the last go of the run began at the first step, and said why."""
    events = folder.reader().read_new()
    steps = [event.step for event in events if isinstance(event, StepDone)]
    notices = [event.text for event in events if isinstance(event, Notice)]
    return steps.count(1) == 2 and any("masked in your notes has changed" in n for n in notices)


@pytest.mark.parametrize(
    ("reveal", "is_still_there"),
    [({"[password removed]": PASSWORD}, True), ({"[AWS key removed]": KEY}, False)],
    ids=["known from the note", "known by itself"],
)
def test_samples_of_an_older_version_that_tell_a_secret_are_written_again(
    filled_library: Library,
    notes_folder: Path,
    folder: JobFolder,
    reveal: dict[str, str],
    is_still_there: bool,
) -> None:
    work(filled_library, folder, until=4)
    as_an_older_version_wrote_it(folder, reveal)
    if not is_still_there:
        (notes_folder / "boat.md").write_text("# Boat\n\nThe harbour is on Corrow.\n")
        import_into(filled_library, [notes_folder])
    assert work(filled_library, folder)
    assert began_again(folder)
    written = samples(folder).read_text()
    assert KEY not in written
    assert PASSWORD not in written


def test_samples_of_an_older_version_without_secrets_stay_as_they_are(
    filled_library: Library, folder: JobFolder
) -> None:
    work(filled_library, folder, until=4)
    as_an_older_version_wrote_it(folder, {})
    before = samples(folder).read_bytes()
    assert work(filled_library, folder)
    assert not began_again(folder)
    assert samples(folder).read_bytes() == before


@pytest.mark.parametrize(
    ("kind", "is_seen"), [("linked", True), ("mention", True), ("grounded", False)]
)
@pytest.mark.parametrize("told", ["prompt", "answer"])
def test_of_samples_that_quote_other_notes_the_secrets_of_all_notes_count(
    folder: JobFolder, notes: Notes, boat: int, kind: str, is_seen: bool, told: str
) -> None:
    """What makes the word a password stands in the other note alone."""
    other = next(note.id for note in notes.summaries() if note.id != boat)
    sample = Sample("What links them?", "They do.", note=other, passage=1, kind=kind)
    sample = msgspec.structs.replace(sample, **{told: f"Boat: It is {PASSWORD}."})
    dataset = Dataset((sample,), (), notes.versions())
    assert keeps_private(dataset, notes.connection) is not is_seen
    CurationFindings(notes.connection).undo("secrets", boat)
    assert keeps_private(dataset, notes.connection)


def test_what_a_teacher_reads_and_what_other_notes_are_shown_counts_as_well(
    folder: JobFolder, notes: Notes, boat: int
) -> None:
    other = next(note.id for note in notes.summaries() if note.id != boat)
    told = f"Boat: It is {PASSWORD}."
    in_view = Sample("What is it?", "That.", boat, 1, "facts", in_view=told)
    shown = Sample(told, "They do. [1]", other, 1, "grounded", others=(boat,))
    for sample in (in_view, shown):
        assert not keeps_private(Dataset((sample,), (), notes.versions()), notes.connection)


def test_what_the_person_masks_again_meanwhile_is_not_learned(
    filled_library: Library, folder: JobFolder, notes: Notes, boat: int
) -> None:
    findings = CurationFindings(notes.connection)
    findings.undo("secrets", boat)
    work(filled_library, folder, until=4)
    assert PASSWORD in samples(folder).read_text()
    findings.redo("secrets", boat)
    assert work(filled_library, folder)
    assert began_again(folder)
    assert PASSWORD not in samples(folder).read_text()


def test_what_is_allowed_before_or_meanwhile_changes_nothing(
    filled_library: Library, folder: JobFolder, notes: Notes, boat: int
) -> None:
    findings = CurationFindings(notes.connection)
    (reason,) = (each for each in findings.reasons(boat) if each.step == "secrets")
    findings.undo("secrets", boat, only=reason.digests[:1])
    work(filled_library, folder, until=4)
    before = samples(folder).read_bytes()
    assert PASSWORD.encode() in before
    assert KEY.encode() not in before
    findings.undo("secrets", boat)
    assert work(filled_library, folder)
    assert not began_again(folder)
    assert samples(folder).read_bytes() == before


def test_cut_short_while_it_begins_again(
    filled_library: Library, folder: JobFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    work(filled_library, folder, until=4)
    as_an_older_version_wrote_it(folder, {"[password removed]": PASSWORD})
    with monkeypatch.context() as patch:
        patch.setattr("mlx_backend.run.frozen.save_dataset", lambda *_: (_ for _ in ()).throw(
            OSError(28, "")
        ))  # fmt: skip
        with pytest.raises(OSError, match="28"):
            work(filled_library, folder)
    assert not folder.checkpoints.exists()
    assert work(filled_library, folder)
    assert PASSWORD not in samples(folder).read_text()
