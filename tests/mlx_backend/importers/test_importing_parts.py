"""Files with several notes: only changed parts are read again, and a bad part harms no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlx_backend.importers.importing import import_paths
from mlx_backend.importers.new_notes import TokenCounter
from mlx_backend.library.notes import Notes
from mlx_backend.library.voices import decode_voices
from tests.mlx_backend.importers import samples
from tests.mlx_backend.importers.again import Import, write
from tests.mlx_backend.importers.samples import zipped


def test_each_part_is_a_note_below_its_file(run: Import, notes: Notes, folder: Path) -> None:
    write(folder / "things.zip", samples.EVERY_FORMAT["things.zip"])
    assert run() == (3, 0, 0, 0)
    paths = {summary.path.removeprefix(f"{folder}/") for summary in notes.summaries()}
    assert paths == {"things.zip/a/one.md", "things.zip/two.txt", "things.zip/b.zip/c.md"}
    assert run() == (0, 0, 3, 0)


def test_a_changed_part_leaves_the_others_as_they_are(
    run: Import, notes: Notes, folder: Path
) -> None:
    path = folder / "x.zip"
    write(path, zipped({"a.md": "# A\n", "b.md": "# B\n", "c.md": "# C\n"}))
    run()
    notes.mark_learned("X", notes.versions())
    write(path, zipped({"a.md": "# A\n", "b.md": "# B\nmore\n", "d.md": "# D\n"}))
    assert run() == (1, 1, 1, 1)
    states = {summary.title: summary.status for summary in notes.summaries()}
    assert states == {"A": "learned", "B": "changed", "C": "gone", "D": "new"}
    content = path.read_bytes()
    write(path, content)  # only its time is new
    run()
    assert {s.title for s in notes.summaries() if s.status == "gone"} == {"C"}
    path.rename(folder.with_name("away"))
    (folder / "other.md").write_text("# Other\n")
    run()
    write(path, content)
    run()
    assert {s.title for s in notes.summaries() if s.status == "gone"} == {"C"}


def test_a_mailbox_that_grew(run: Import, notes: Notes, folder: Path) -> None:
    write(folder / "mails.mbox", samples.MBOX)
    assert run() == (3, 0, 0, 0)
    more = samples.mail(samples.MARTA, samples.OSKAR, "Tar", "Two buckets.\n")
    write(folder / "mails.mbox", samples.MBOX + b"\nFrom x Tue May  4\n" + more)
    assert run() == (1, 0, 3, 0)


def test_parts_of_the_same_name_are_all_kept(run: Import, notes: Notes, folder: Path) -> None:
    same = samples.mail(samples.MARTA, samples.OSKAR, "Oil", "Oil.\n")
    write(folder / "m.mbox", b"\n".join(b"From x Tue May  4\n" + same for _ in range(3)))
    assert run() == (3, 0, 0, 0)
    assert run() == (0, 0, 3, 0)


def test_a_renamed_archive_keeps_its_notes(run: Import, notes: Notes, folder: Path) -> None:
    write(folder / "old.zip", zipped({"a.md": "# A\n", "b.md": "# B\n"}))
    run()
    before = {summary.title: summary.id for summary in notes.summaries()}
    (folder / "old.zip").rename(folder / "new.zip")
    assert run() == (0, 0, 2, 0)
    assert {summary.title: summary.id for summary in notes.summaries()} == before
    assert all("/new.zip/" in summary.path for summary in notes.summaries())


def test_a_bad_part_costs_the_others_nothing_and_stays_listed(
    run: Import, notes: Notes, folder: Path
) -> None:
    write(folder / "x.zip", zipped({"a.md": "# A\n", "b.png": b"\x89PNG\r\n\x1a\n", "c.md": "C"}))
    assert run() == (2, 0, 0, 0)
    assert run() == (0, 0, 2, 0)
    ((path, reason),) = notes.skipped()
    assert path == str(folder / "x.zip" / "b.png")
    assert "picture" in reason


def test_what_is_hidden_is_one_line_as_long_as_it_is_there(
    run: Import, notes: Notes, folder: Path
) -> None:
    for number in range(3):
        write(folder / f".{number}.md", b"# Hidden\n")
    members = {f"__MACOSX/{name}": "x" for name in "abc"} | {"in/.git/a/b": "x", "in/a.md": "# A\n"}
    write(folder / "x.zip", zipped(members | {"in/.DS_Store": "x"}))
    write(folder / "y.zip", zipped({".a.md": "x"}))
    assert run() == (1, 0, 0, 0)
    skipped = {path.removeprefix(f"{folder}/"): reason for path, reason in notes.skipped()}
    assert skipped.keys() == {".0.md", "x.zip/__MACOSX", "y.zip"}
    assert skipped[".0.md"].endswith(": 3 hidden files here")
    assert skipped["x.zip/__MACOSX"].endswith(": 1 __MACOSX folder, 1 hidden folder here")
    assert "only hidden files" in skipped["y.zip"]
    for number in range(3):
        (folder / f".{number}.md").unlink()
    assert run() == (0, 0, 1, 0)
    assert len(notes.skipped()) == 2


@pytest.mark.parametrize("name", ["boat.py", "boat.yaml", "boat.xml", "LICENSE"])
def test_what_is_passed_by_in_a_folder_is_read_when_chosen_itself(
    notes: Notes, counter: TokenCounter, folder: Path, name: str
) -> None:
    write(folder / name, b"<boat>Comma</boat>\n")
    (folder / "a.md").write_text("# A\n")
    import_paths(notes, counter, [folder])
    ((_, reason),) = notes.skipped()
    assert "unless you add the file by itself" in reason
    assert import_paths(notes, counter, [folder / name]).added == 1
    assert notes.skipped() == []
    write(folder / name, b"<boat>Amber</boat>\n")
    outcome = import_paths(notes, counter, [folder])
    assert (outcome.changed, outcome.skipped) == (1, [])
    assert "<boat>Amber</boat>\n" in [notes.text(each.id) for each in notes.summaries()]


def test_a_skipped_file_is_listed_again_without_being_read(
    run: Import, notes: Notes, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder / "scan.pdf", samples.pdf([]))
    run()
    monkeypatch.setattr("mlx_backend.importers.sandbox.Sandbox.read", None)
    run()
    ((_, reason),) = notes.skipped()
    assert "scan" in reason
    (folder / "scan.pdf").unlink()
    write(folder / "other.txt", b"")
    with pytest.raises(TypeError):
        run()


def test_what_is_skipped_leaves_the_list_with_its_file(
    run: Import, notes: Notes, folder: Path
) -> None:
    write(folder / "a.md", b"# A\n")
    write(folder / "scan.pdf", samples.pdf([]))
    run()
    (folder / "scan.pdf").unlink()
    run()
    assert notes.skipped() == []


def test_what_a_note_says_of_itself_is_kept(run: Import, notes: Notes, folder: Path) -> None:
    write(folder / "letter.eml", samples.EVERY_FORMAT["letter.eml"])
    write(folder / "plain.txt", b"Just words.")
    run()
    rows = notes.connection.execute(
        "SELECT kind, author, created, voices, left_out, file FROM notes ORDER BY path"
    )
    letter, plain = (dict(row) for row in rows)
    assert (letter["kind"], letter["author"]) == ("mail", samples.MARTA)
    assert decode_voices(letter["voices"])[0].name == samples.MARTA
    assert plain["voices"] is None
    assert plain["created"] == pytest.approx((folder / "plain.txt").stat().st_mtime)
    assert plain["file"] == str(folder / "plain.txt")
