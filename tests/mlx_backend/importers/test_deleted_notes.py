"""Deleted notes stay deleted, wherever an import finds them, until the person asks for them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from mlx_backend.importers.importing import import_paths
from mlx_backend.importers.new_notes import TokenCounter
from mlx_backend.importers.read_files import ImportOutcome
from mlx_backend.library import Library
from mlx_backend.library.bin import Bin
from mlx_backend.library.deleted_notes import EMPTIED, EMPTIED_PART, IN_BIN
from mlx_backend.library.note_decisions import NoteDecisions
from mlx_backend.library.notes import Notes
from tests.mlx_backend.importers.again import write

Import = Callable[..., ImportOutcome]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "notes").mkdir()
    write(tmp_path / "notes" / "lamp.md", "Marta lit the lamp.")
    write(tmp_path / "notes" / "rope.md", "Rope costs three crowns.")
    return tmp_path / "notes"


@pytest.fixture
def run(notes: Notes, counter: TokenCounter, folder: Path) -> Import:
    """Imports the folder, or the given paths; has imported the folder once."""

    def again(*paths: Path) -> ImportOutcome:
        return import_paths(notes, counter, paths or [folder])

    again()
    return again


@pytest.fixture
def bin_(library: Library, notes: Notes) -> Bin:
    return Bin(library, notes.connection)


def ids(notes: Notes) -> dict[str, int]:
    return {Path(note.path).name: note.id for note in notes.summaries() if note.status != "gone"}


def texts(notes: Notes) -> list[str]:
    return sorted(notes.text(note_id) for note_id in ids(notes).values())


def test_an_import_leaves_it_out_and_says_so(
    notes: Notes, run: Import, bin_: Bin, folder: Path
) -> None:
    (item,) = bin_.delete_notes([ids(notes)["lamp.md"]])
    lamp = str(folder / "lamp.md")
    assert notes.skipped() == [(lamp, IN_BIN)]
    outcome = run()
    assert (outcome.added, outcome.unchanged, outcome.notes) == (0, 1, 1)
    assert outcome.skipped == [(lamp, IN_BIN)]
    bin_.remove(item.id)
    outcome = run()
    assert (outcome.added, outcome.notes) == (0, 1)
    assert outcome.skipped == [(lamp, EMPTIED)]


@pytest.mark.parametrize("emptied", [False, True])
def test_not_even_when_it_is_changed_moved_or_read_anew(
    notes: Notes, run: Import, bin_: Bin, folder: Path, emptied: bool
) -> None:
    (item,) = bin_.delete_notes([ids(notes)["lamp.md"]])
    if emptied:
        bin_.remove(item.id)
    lamp = folder / "lamp.md"
    write(lamp, "Marta lit another lamp.")
    assert (run().added, list(ids(notes))) == (0, ["rope.md"])
    (folder / "deep").mkdir()
    lamp = lamp.rename(folder / "deep" / "light.md")
    assert (run().added, list(ids(notes))) == (0, ["rope.md"])
    notes.connection.execute("UPDATE files SET readers = 0")
    outcome = run()
    assert (outcome.added, list(ids(notes))) == (0, ["rope.md"])
    assert outcome.skipped == [(str(lamp), EMPTIED if emptied else IN_BIN)]
    lamp.rename(folder.parent / "away.md")
    assert run().skipped == []
    (folder.parent / "away.md").rename(lamp)
    assert (run().added, list(ids(notes))) == (0, ["rope.md"])
    if not emptied:
        bin_.restore(item.id)
        outcome = run()
        assert (outcome.changed, outcome.skipped) == (1, [])
        assert texts(notes) == ["Marta lit another lamp.", "Rope costs three crowns."]
        assert ids(notes)["light.md"] < ids(notes)["rope.md"], "its number is the old one"


def test_another_file_in_its_place_is_another_note(
    notes: Notes, run: Import, bin_: Bin, folder: Path
) -> None:
    bin_.delete_notes([ids(notes)["lamp.md"]])
    (folder / "rope.md").replace(folder / "lamp.md")
    assert run().notes == 1
    assert texts(notes) == ["Rope costs three crowns."]
    write(folder / "lamp again.md", "Marta lit the lamp.")
    run()
    assert texts(notes) == ["Rope costs three crowns."], "the content came back elsewhere"


def test_a_copy_is_not_what_was_deleted(notes: Notes, run: Import, bin_: Bin, folder: Path) -> None:
    bin_.delete_notes([ids(notes)["lamp.md"]])
    write(folder / "copy.md", "Marta lit the lamp.")
    assert run().added == 1
    assert sorted(ids(notes)) == ["copy.md", "rope.md"]


def test_importing_the_file_itself_brings_it_back(
    notes: Notes, run: Import, bin_: Bin, folder: Path
) -> None:
    before = ids(notes)
    NoteDecisions(notes.connection).decide([before["lamp.md"]], included=False)
    bin_.delete_notes([before["lamp.md"]])
    outcome = run(folder / "lamp.md")
    assert (outcome.notes, outcome.restored, outcome.skipped) == (2, 1, [])
    assert ids(notes) == before
    assert [n.status for n in notes.summaries() if n.id == before["lamp.md"]] == ["excluded"]
    assert bin_.items() == []
    assert run().notes == 2


@pytest.mark.parametrize("emptied", [False, True])
def test_among_others_it_stays_deleted(
    notes: Notes, run: Import, bin_: Bin, folder: Path, emptied: bool
) -> None:
    bin_.delete_notes([ids(notes)["lamp.md"]])
    if emptied:
        bin_.empty()
    lamp = folder / "lamp.md"
    for paths in ([lamp, folder / "rope.md"], [folder, lamp]):
        outcome = run(*paths)
        assert (outcome.notes, outcome.added, outcome.restored) == (1, 0, 0)
        assert outcome.skipped == [(str(lamp), EMPTIED if emptied else IN_BIN)]
    assert run(lamp, folder / "deep" / ".." / "lamp.md").notes == 2, "it is the same one twice"


def test_also_after_the_bin_was_emptied(notes: Notes, run: Import, bin_: Bin, folder: Path) -> None:
    bin_.delete_notes([ids(notes)["lamp.md"]])
    bin_.empty()
    outcome = run(folder / "lamp.md")
    assert (outcome.added, outcome.notes, outcome.skipped) == (1, 2, [])
    assert run().skipped == []


def mail(*letters: tuple[str, str]) -> str:
    day = "Date: Mon, 3 May 2021 10:00:00 +0000"
    return "".join(
        f"From a@example.org Mon May 3 10:00:00 2021\nSubject: {subject}\n{day}\n\n{text}\n\n"
        for subject, text in letters
    )


LETTERS = [("One", "The first letter."), ("Two", "The second letter."), ("Two", "The third.")]


@pytest.mark.parametrize("emptied", [False, True])
def test_one_note_of_a_file_with_many(
    notes: Notes, run: Import, bin_: Bin, folder: Path, emptied: bool
) -> None:
    box = folder / "mail.mbox"
    write(box, mail(*LETTERS))
    run()
    (second,) = [n.id for n in notes.summaries() if "second" in notes.text(n.id)]
    (item,) = bin_.delete_notes([second])
    if emptied:
        bin_.remove(item.id)
    for letters in ([("New", "A new letter."), *LETTERS], LETTERS, LETTERS[1:]):
        write(box, mail(*letters))
        outcome = run()
        found = [text for text in texts(notes) if "crowns" not in text and "lamp" not in text]
        wanted = [text for _, text in letters if "second" not in text]
        assert [w for w in wanted if not any(w in text for text in found)] == []
        assert not any("second" in text for text in found)
        assert [reason for _, reason in outcome.skipped] == [EMPTIED_PART if emptied else IN_BIN]
    write(box, mail(*LETTERS, ("Last", "The last letter.")))
    outcome = run(box)
    assert (outcome.added, outcome.restored) == (1, 0)
    assert not any("second" in text for text in texts(notes)), "only new letters were wanted"
    assert [reason for _, reason in outcome.skipped] == [EMPTIED_PART if emptied else IN_BIN]
    if emptied:
        write(folder / "second.txt", "The second letter.")
        assert run(folder / "second.txt").added == 1
    else:
        bin_.restore(item.id)
        run()
    assert any("second" in text for text in texts(notes))


def test_the_only_letter_of_a_mailbox(notes: Notes, run: Import, bin_: Bin, folder: Path) -> None:
    box = folder / "mail.mbox"
    write(box, mail(LETTERS[0]))
    run()
    (first,) = [n.id for n in notes.summaries() if "first" in notes.text(n.id)]
    bin_.delete_notes([first])
    write(box, mail(*LETTERS))
    assert (run(box).added, run(box).restored) == (2, 0)
    assert not any("first" in text for text in texts(notes))


def test_a_note_whose_path_another_one_got_meanwhile(
    notes: Notes, run: Import, bin_: Bin, folder: Path
) -> None:
    (item,) = bin_.delete_notes([ids(notes)["lamp.md"]])
    notes.connection.execute("UPDATE notes SET path = ?", (str(folder / "lamp.md"),))
    bin_.restore(item.id)
    paths = [Path(note.path).name for note in notes.summaries()]
    assert paths == ["lamp.md", "lamp.md (earlier)"]


def test_export_of_a_chat_with_one_deleted(
    notes: Notes, run: Import, bin_: Bin, folder: Path
) -> None:
    def chat(number: int, said: str) -> dict[str, object]:
        return {
            "uuid": str(number),
            "name": "New chat",
            "created_at": f"2024-01-0{number}T00:00:00Z",
            "chat_messages": [{"sender": "human", "text": said, "created_at": ""}],
        }

    path = folder / "conversations.json"
    write(path, json.dumps([chat(1, "Of the lamp."), chat(2, "Of the rope.")]))
    run()
    (lamp,) = [n.id for n in notes.summaries() if "Of the lamp" in notes.text(n.id)]
    bin_.delete_notes([lamp])
    write(path, json.dumps([chat(3, "Of tea."), chat(1, "Of the lamp. More."), chat(2, "Rope!")]))
    os.utime(path, (1, 1))
    run()
    found = " ".join(texts(notes))
    assert "Of tea." in found
    assert "Rope!" in found
    assert "Of the lamp" not in found
