"""What is private in a note never reaches training, unless the person says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlx_backend.dataset.samples import save_dataset
from mlx_backend.errors import OvernightError
from mlx_backend.importers.importing import import_into
from mlx_backend.library import Library
from mlx_backend.library.allowed_secrets import KEY_FILE
from mlx_backend.library.curation_findings import CurationFindings, Reason
from mlx_backend.library.notes import Notes
from tests.mlx_backend.studied import make_dataset

# Put together here, so that no scanner takes this file for a leak.
KEY = "AKIA" + "Q3EGTX7" + "MN2RWDVLZ"
PASSWORD = "tr0ub" + "4dor-Kelp"


@pytest.fixture
def secretive(tiny_library: Library, tmp_path: Path) -> Library:
    folder = tmp_path / "secretive"
    folder.mkdir()
    (folder / "boat.md").write_text(
        f"# Boat {KEY}\n\nThe boat is called the Footnote.\n\n"
        f"The wifi password is {PASSWORD}. The harbour is on Corrow.\n\n"
        f"## Access {KEY}\n\nThe cloud key {KEY} belongs to the harbour master of Corrow.\n"
    )
    import_into(tiny_library, [folder])
    return tiny_library


def test_samples_hold_no_secret(secretive: Library, notes: Notes, tmp_path: Path) -> None:
    dataset = make_dataset(notes, seed=0)
    save_dataset(tmp_path / "samples.json", dataset)
    written = (tmp_path / "samples.json").read_text()
    assert KEY not in written
    assert PASSWORD not in written
    assert "password removed" in written
    assert "The harbour is on Corrow." in written


def test_the_person_sees_what_is_masked_and_can_have_it_back(
    secretive: Library, notes: Notes
) -> None:
    (note,) = notes.summaries()
    findings = CurationFindings(notes.connection)
    (reason,) = (reason for reason in findings.reasons(note.id) if reason.step == "secrets")
    assert reason.sentence.startswith("Masked before training")
    text = notes.text(note.id)
    assert {text[start:end] for start, end in reason.spans} >= {KEY, PASSWORD}
    findings.undo("secrets", note.id)
    assert PASSWORD in " ".join(passage.text for passage in notes.passages())
    (reason,) = (reason for reason in findings.reasons(note.id) if reason.step == "secrets")
    assert reason.undone
    assert reason.sentence.startswith("Not masked, as you chose")
    findings.redo("secrets", note.id)
    assert PASSWORD not in " ".join(passage.text for passage in notes.passages())


def secrets_of(notes: Notes) -> Reason:
    (note,) = notes.summaries()
    found = CurationFindings(notes.connection).reasons(note.id)
    return next(reason for reason in found if reason.step == "secrets")


def taught(notes: Notes) -> str:
    return " ".join(passage.text for passage in notes.passages())


@pytest.mark.parametrize("everywhere", [False, True], ids=["of the note", "of all notes"])
def test_a_decision_holds_for_what_was_found_and_not_for_what_comes_later(
    secretive: Library, notes: Notes, tmp_path: Path, everywhere: bool
) -> None:
    (note,) = notes.summaries()
    findings = CurationFindings(notes.connection)
    findings.undo("secrets", None if everywhere else note.id)
    assert PASSWORD in taught(notes)
    assert "secrets" not in findings.counts()
    later = "Vel" + "lum-2291!"
    boat = tmp_path / "secretive" / "boat.md"
    boat.write_text(f"{boat.read_text()}\nThe new wifi password is {later}. Mind the gulls.\n")
    import_into(secretive, [boat.parent])
    assert PASSWORD in taught(notes)  # decided already
    assert later not in taught(notes)
    assert findings.counts()["secrets"] == 1
    reason = secrets_of(notes)
    assert not reason.undone
    text = notes.text(note.id)
    assert {text[start:end] for start, end in reason.spans} == {later}
    assert reason.sentence.startswith("Masked before training: password. Not masked, as you chose:")
    findings.redo("secrets", None if everywhere else note.id)
    assert PASSWORD not in taught(notes)


def test_no_more_is_allowed_than_the_person_saw(
    secretive: Library, notes: Notes, tmp_path: Path
) -> None:
    seen = secrets_of(notes).digests
    boat = tmp_path / "secretive" / "boat.md"
    boat.write_text(boat.read_text().replace(PASSWORD, "Vel" + "lum-2291!"))
    import_into(secretive, [boat.parent])  # while the old text is still on the screen
    CurationFindings(notes.connection).undo("secrets", only=seen)
    assert KEY in taught(notes)
    assert "2291" not in taught(notes)


def test_what_is_allowed_cannot_be_guessed_from_the_database(
    secretive: Library, notes: Notes
) -> None:
    (note,) = notes.summaries()
    findings = CurationFindings(notes.connection)
    findings.undo("secrets", note.id)
    key = secretive.home / KEY_FILE
    assert key.stat().st_mode & 0o777 == 0o600
    rows = notes.connection.execute("SELECT digest FROM allowed_secrets").fetchall()
    assert rows
    key.unlink()  # with another key, nothing is as it was
    assert PASSWORD not in " ".join(p.text for p in Notes(notes.connection).passages())
    key.write_bytes(b"half a key")
    assert PASSWORD not in " ".join(p.text for p in Notes(notes.connection).passages())


def test_decisions_of_before_that_held_for_ever_do_not_count(
    secretive: Library, notes: Notes
) -> None:
    (note,) = notes.summaries()
    notes.connection.execute("INSERT INTO undone VALUES ('secrets', ?)", (note.id,))
    assert PASSWORD not in taught(notes)


def test_what_only_the_text_tells_is_masked_in_titles_and_headings(
    tiny_library: Library, notes: Notes, tmp_path: Path
) -> None:
    plain = "Quark77!hunter"
    (tmp_path / "inn.md").write_text(
        f"# The inn {'of long names ' * 13} {KEY}\n\nThe wifi password is {plain}.\n\n"
        f"## {plain}\n\nThe inn stands on Corrow, by the harbour.\n"
    )
    import_into(tiny_library, [tmp_path / "inn.md"])
    samples = make_dataset(notes, seed=0).train
    told = " ".join(f"{sample.prompt} {sample.answer}" for sample in samples)
    assert "The inn stands on Corrow" in told
    assert plain not in told
    assert KEY[:10] not in told


def test_notes_that_nobody_looked_at_are_not_trained(
    secretive: Library, notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    (note,) = notes.summaries()
    notes.connection.execute("UPDATE notes SET text = text || ' more' WHERE id = ?", (note.id,))
    monkeypatch.setattr(
        "mlx_backend.dataset.compose.curate", lambda _: None
    )  # as if it came just after
    with pytest.raises(OvernightError):
        make_dataset(notes, seed=0)
