"""The person's decisions follow the text of a note, wherever it moves."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from mlx_backend.importers import importing
from mlx_backend.importers.document import THE_REST, SkippedPart
from mlx_backend.importers.importing import import_paths
from mlx_backend.importers.new_notes import TokenCounter
from mlx_backend.importers.sandbox import FileContent, Sandbox
from mlx_backend.library.note_decisions import NoteDecisions
from mlx_backend.library.notes import Notes
from tests.mlx_backend.importers import samples
from tests.mlx_backend.importers.again import Import, write
from tests.mlx_backend.importers.samples import zipped


def chats(*said: tuple[int, str], title: str = "New chat") -> str:
    """An export from Claude: for each chat its first day (of May) and what was said."""
    return json.dumps(
        [
            {
                "name": title,
                "created_at": f"2026-05-{day:02}T10:00:00Z",
                "chat_messages": [{"sender": "human", "text": text}],
            }
            for day, text in said
        ]
    )


def statuses(notes: Notes) -> dict[str, str]:
    """The status of each note by the last word of its text."""
    return {notes.text(s.id).split()[-1]: s.status for s in notes.summaries()}


def paths(notes: Notes) -> dict[str, str]:
    """The name of each note's path by the last word of its text."""
    return {notes.text(s.id).split()[-1]: Path(s.path).name for s in notes.summaries()}


def leave_out(notes: Notes, word: str) -> None:
    with_it = [s.id for s in notes.summaries() if word in notes.text(s.id)]
    NoteDecisions(notes.connection).decide(with_it, included=False)


def test_a_chat_that_comes_before_others_takes_nothing_of_theirs(
    run: Import, notes: Notes, folder: Path
) -> None:
    write(folder / "chats.json", chats((1, "ropes"), (2, "secrets"), (3, "lamps")))
    run()
    leave_out(notes, "secrets")
    write(folder / "chats.json", chats((9, "boats"), (1, "ropes"), (2, "secrets"), (3, "lamps")))
    assert run() == (1, 0, 3, 0)
    assert statuses(notes) == {
        "boats": "new",
        "ropes": "new",
        "secrets": "excluded",
        "lamps": "new",
    }
    assert paths(notes)["boats"] == "New chat"
    assert paths(notes)["secrets"] == "New chat (3)"


def test_a_chat_that_goes_takes_its_decision_along_and_back(
    run: Import, notes: Notes, folder: Path
) -> None:
    write(folder / "chats.json", chats((1, "secrets"), (2, "ropes"), (3, "lamps")))
    run()
    leave_out(notes, "secrets")
    write(folder / "chats.json", chats((2, "ropes"), (3, "lamps")))
    assert run() == (0, 0, 2, 1)
    assert statuses(notes) == {"secrets": "gone", "ropes": "new", "lamps": "new"}
    write(folder / "chats.json", chats((5, "boats"), (2, "ropes"), (3, "lamps"), (1, "secrets")))
    assert run() == (1, 0, 3, 0)
    assert statuses(notes)["secrets"] == "excluded"
    assert statuses(notes)["boats"] == "new"


def test_a_chat_that_went_on_is_the_same_chat(run: Import, notes: Notes, folder: Path) -> None:
    write(folder / "chats.json", chats((1, "secrets"), (2, "ropes")))
    run()
    leave_out(notes, "secrets")
    write(folder / "chats.json", chats((8, "boats"), (1, "secrets and sails"), (2, "ropes")))
    assert run() == (1, 1, 1, 0)
    assert statuses(notes) == {"boats": "new", "sails": "excluded", "ropes": "new"}


def test_another_chat_of_the_same_name_is_another_note(
    run: Import, notes: Notes, folder: Path
) -> None:
    write(folder / "chats.json", chats((1, "secrets")))
    run()
    leave_out(notes, "secrets")
    write(folder / "chats.json", chats((2, "ropes")))
    assert run() == (1, 0, 0, 1)
    assert statuses(notes) == {"secrets": "gone", "ropes": "new"}


def test_mails_of_one_subject_are_told_apart(run: Import, notes: Notes, folder: Path) -> None:
    mails = [
        b"From x Tue May  4\n"
        + samples.mail(samples.MARTA, samples.OSKAR, "Oil", f"About the {word}.\n")
        for word in ("ropes", "secrets", "lamps")
    ]
    write(folder / "m.mbox", b"\n".join(mails))
    run()
    leave_out(notes, "secrets")
    write(folder / "m.mbox", b"\n".join(mails[1:]))
    assert run() == (0, 0, 2, 1)
    assert statuses(notes) == {"ropes.": "gone", "secrets.": "excluded", "lamps.": "new"}


def test_a_changed_part_of_an_archive_is_known_by_its_place(
    run: Import, notes: Notes, folder: Path
) -> None:
    write(folder / "x.zip", zipped({"a/plan.md": "ropes", "b/plan.md": "secrets"}))
    run()
    leave_out(notes, "secrets")
    write(folder / "x.zip", zipped({"a/plan.md": "lamps", "b/plan.md": "sails"}))
    assert run() == (0, 2, 0, 0)
    assert statuses(notes) == {"lamps": "new", "sails": "excluded"}


def test_a_part_that_can_no_longer_be_read_keeps_its_note(
    run: Import, notes: Notes, folder: Path
) -> None:
    write(folder / "x.zip", zipped({"a.md": "ropes", "in.zip": zipped({"b.md": "lamps"})}))
    run()
    write(folder / "x.zip", zipped({"a.md": "ropes", "in.zip": b"PK\3\4damaged"}))
    assert run() == (0, 0, 1, 0)
    assert statuses(notes) == {"ropes": "new", "lamps": "new"}


@pytest.mark.parametrize("rest", [THE_REST, f"chats.json/{THE_REST}"])
def test_what_was_not_reached_in_a_file_is_not_gone(
    run: Import, notes: Notes, folder: Path, monkeypatch: pytest.MonkeyPatch, rest: str
) -> None:
    write(folder / "chats.json", chats((1, "ropes"), (2, "lamps"), (3, "sails")))
    run()

    def cut_short(*arguments: str) -> FileContent:
        content = read(*arguments)
        del content.documents[1:]
        content.skipped.append(SkippedPart(rest, "It holds too much"))
        return content

    read: Callable[..., FileContent] = Sandbox.read
    monkeypatch.setattr(Sandbox, "read", cut_short)
    write(folder / "chats.json", chats((9, "boats"), (1, "ropes"), (2, "lamps"), (3, "sails")))
    assert run() == (1, 0, 0, 0)
    assert set(statuses(notes).values()) == {"new"}


@pytest.mark.parametrize("is_gone", [False, True])
def test_a_file_renamed_over_another_keeps_its_decision(
    run: Import, notes: Notes, folder: Path, is_gone: bool
) -> None:
    write(folder / "a.md", "secrets")
    write(folder / "b.md", "ropes")
    write(folder / "c.md", "lamps")
    run()
    leave_out(notes, "secrets")
    if is_gone:
        (folder / "b.md").unlink()
        run()
    (folder / "a.md").rename(folder / "b.md")
    assert run() == (0, 0, 2, 0 if is_gone else 1)
    assert statuses(notes) == {"secrets": "excluded", "ropes": "gone", "lamps": "new"}
    assert paths(notes) == {"secrets": "b.md", "ropes": "b.md (earlier)", "lamps": "c.md"}
    write(folder / "d.md", "ropes")  # what was there is found again elsewhere
    assert run() == (0, 0, 3, 0)
    assert statuses(notes)["ropes"] == "new"


@pytest.mark.parametrize("at_once", [100, 1])
def test_two_files_change_names(
    run: Import, notes: Notes, folder: Path, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(importing, "_BATCH", at_once)
    write(folder / "a.md", "secrets")
    write(folder / "b.md", "ropes")
    run()
    leave_out(notes, "secrets")
    (folder / "a.md").rename(folder / "aside")
    (folder / "b.md").rename(folder / "a.md")
    (folder / "aside").rename(folder / "b.md")
    assert run() == (0, 0, 2, 0)
    assert statuses(notes) == {"secrets": "excluded", "ropes": "new"}
    assert paths(notes) == {"secrets": "b.md", "ropes": "a.md"}
    assert run() == (0, 0, 2, 0)


@pytest.mark.parametrize("order", [("a", "b", "c", "d"), ("d", "c", "b", "a")])
def test_files_that_move_up_one_after_the_other(
    run: Import, notes: Notes, folder: Path, order: tuple[str, ...]
) -> None:
    *names, free = order
    for name, word in zip(names, ("secrets", "ropes", "sails"), strict=True):
        write(folder / f"{name}.md", word)
    run()
    leave_out(notes, "secrets")
    for name, to in reversed(list(zip(names, [*names[1:], free], strict=True))):
        (folder / f"{name}.md").rename(folder / f"{to}.md")
    assert run() == (0, 0, 3, 0)
    assert statuses(notes) == {"secrets": "excluded", "ropes": "new", "sails": "new"}
    assert paths(notes)["secrets"] == f"{names[1]}.md"


def test_archives_change_names(run: Import, notes: Notes, folder: Path) -> None:
    write(folder / "a.zip", zipped({"one.md": "secrets", "two.md": "ropes"}))
    write(folder / "b.zip", zipped({"one.md": "lamps"}))
    run()
    leave_out(notes, "secrets")
    before = {notes.text(s.id): s.id for s in notes.summaries()}
    (folder / "a.zip").rename(folder / "aside")
    (folder / "b.zip").rename(folder / "a.zip")
    (folder / "aside").rename(folder / "b.zip")
    assert run() == (0, 0, 3, 0)
    assert {notes.text(s.id): s.id for s in notes.summaries()} == before
    assert statuses(notes) == {"secrets": "excluded", "ropes": "new", "lamps": "new"}
    assert all("earlier" not in s.path for s in notes.summaries())


@pytest.mark.parametrize("archive_goes_to", ["a.zip", "z.zip"])
def test_a_folder_takes_the_name_of_an_archive(
    run: Import, notes: Notes, folder: Path, archive_goes_to: str
) -> None:
    write(folder / "n.zip", zipped({"one.md": "secrets", "two.md": "ropes"}))
    write(folder / "one.md", "lamps")
    run()
    leave_out(notes, "secrets")
    leave_out(notes, "lamps")
    (folder / "n.zip").rename(folder / archive_goes_to)
    (folder / "n.zip").mkdir()
    (folder / "one.md").rename(folder / "n.zip" / "one.md")
    assert run() == (0, 0, 3, 0)
    assert statuses(notes) == {"secrets": "excluded", "ropes": "new", "lamps": "excluded"}
    listed = {s.path.removeprefix(f"{folder}/") for s in notes.summaries()}
    assert listed == {f"{archive_goes_to}/one.md", f"{archive_goes_to}/two.md", "n.zip/one.md"}


def test_a_copy_takes_nothing_away(run: Import, notes: Notes, folder: Path) -> None:
    write(folder / "b.md", "secrets")
    write(folder / "c.md", "ropes")
    run()
    leave_out(notes, "secrets")
    os.utime(folder / "b.md", ns=(1, 1))  # touched, and yet as it was
    write(folder / "c.md", "secrets")
    assert run() == (0, 1, 1, 0)
    assert sorted((Path(s.path).name, s.status) for s in notes.summaries()) == [
        ("b.md", "excluded"),
        ("c.md", "new"),
    ]


def test_of_files_of_one_content_the_names_decide(run: Import, notes: Notes, folder: Path) -> None:
    for name in ("a.md", "b.md"):
        write(folder / name, "secrets")
    run()
    second = [s.id for s in notes.summaries() if s.path.endswith("b.md")]
    NoteDecisions(notes.connection).decide(second, included=False)
    (folder / "deeper").mkdir()
    for name in ("b.md", "a.md"):
        (folder / name).rename(folder / "deeper" / name)
    assert run() == (0, 0, 2, 0)
    assert sorted((Path(s.path).name, s.status) for s in notes.summaries()) == [
        ("a.md", "new"),
        ("b.md", "excluded"),
    ]


def test_another_spelling_of_a_name_is_the_same_file(
    notes: Notes, counter: TokenCounter, folder: Path
) -> None:
    """Like a case-insensitive file system: a hard link is found under both names."""
    write(folder / "café.md", "secrets")
    import_paths(notes, counter, [folder / "café.md"])
    leave_out(notes, "secrets")
    if not (folder / "Café.md").exists():
        (folder / "Café.md").hardlink_to(folder / "café.md")
    outcome = import_paths(notes, counter, [folder / "Café.md"])
    assert (outcome.added, outcome.unchanged) == (0, 1)
    assert statuses(notes) == {"secrets": "excluded"}
    assert paths(notes) == {"secrets": "Café.md"}
