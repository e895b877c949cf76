"""What the commands print about the bin, for people and for programs."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from mlx_backend.library import Library, database
from mlx_backend.library.adapters import list_adapters, read_adapter
from mlx_backend.library.conversations import Conversations
from mlx_backend.library.notes import Notes
from tests.mlx_backend.cli.running import Run, Said
from tests.mlx_backend.library.test_adapters import put


@pytest.fixture
def adapter(library: Library) -> Path:
    return put(library.adapters, "My notes")


def names(library: Library) -> list[str]:
    return sorted(adapter.name for adapter in list_adapters(library.adapters))


def seen_long_ago(library: Library) -> None:
    """Make everything in the bin found due long ago."""
    with database.opened(library.database) as connection:
        connection.execute("UPDATE bin_due SET seen = 2")


def keep_for(library: Library, days: int) -> None:
    library.settings.write_text(json.dumps({"bin_days": days}))


def test_removing_and_bringing_back(library: Library, adapter: Path, said: Said) -> None:
    text = said("remove", "My notes")
    assert text.startswith("“My notes” is in the bin for 30 days. `overnight bin --restore ")
    assert text.endswith("` restores it.\n")
    assert names(library) == []
    item_id = text.split("--restore ")[1].split("`")[0]
    listed = said("bin")
    assert item_id in listed
    assert "My notes" in listed
    assert said("bin", "--restore", item_id) == "Restored “My notes”.\n"
    assert names(library) == ["My notes"]
    assert said("bin") == "The bin is empty.\n"


def test_for_programs(library: Library, adapter: Path, run: Run) -> None:
    removed = run("remove", "My notes")
    (item,) = removed["bin"]
    assert item.keys() == {"id", "kind", "name", "deleted", "bytes"}
    assert (removed["removed"], item["kind"], item["name"]) == ("My notes", "adapter", "My notes")
    assert abs(time.time() - item["deleted"]) < 3600
    assert run("bin") == {"bin": [item]}
    put(library.adapters, "MY NOTES")
    assert run("bin", "--restore", item["id"]) == {"restored": "My notes 2", "bin": []}
    run("remove", "MY NOTES")
    assert run("bin", "--empty") == {"removed": 1, "bin": []}


def test_for_good(library: Library, adapter: Path, said: Said, run: Run) -> None:
    assert said("remove", "My notes", "--now") == "“My notes” has been deleted for good.\n"
    assert list(library.adapters.iterdir()) == []
    assert run("bin") == {"bin": []}


def test_a_link_to_an_adapter_is_removed_for_good_without_what_it_points_to(
    library: Library, tmp_path: Path, said: Said
) -> None:
    put(tmp_path, "elsewhere")
    (library.adapters / "Linked").symlink_to(tmp_path / "elsewhere")
    said("remove", "Linked", "--now")
    assert list(library.adapters.iterdir()) == []
    assert read_adapter(tmp_path, "elsewhere").bytes > 0


def test_a_name_that_was_taken_meanwhile(library: Library, adapter: Path, said: Said) -> None:
    item_id = said("remove", "My notes").split("--restore ")[1].split("`")[0]
    put(library.adapters, "My notes")
    text = said("bin", "--restore", item_id)
    assert "Restored “My notes” as “My notes 2”" in text


def test_emptying(library: Library, adapter: Path, said: Said) -> None:
    assert said("bin", "--empty") == "The bin was already empty.\n"
    said("remove", "My notes")
    assert said("bin", "--empty") == "The bin is empty now.\n"
    assert said("bin") == "The bin is empty.\n"


def test_how_long_it_stays_is_a_setting(library: Library, adapter: Path, said: Said) -> None:
    keep_for(library, 0)
    text = said("remove", "My notes")
    assert "in the bin until you empty it." in text
    item_id = text.split("--restore ")[1].split("`")[0]
    label = library.bin / item_id / "item.json"
    label.write_text(json.dumps(json.loads(label.read_bytes()) | {"deleted": 1.0}))
    assert "My notes" in said("bin")
    keep_for(library, 1)
    assert "My notes" in said("bin")
    seen_long_ago(library)
    library.settings.write_text('{"bin_days": 1')
    assert "My notes" in said("bin"), "it cannot be read how long it is to be kept"
    assert json.loads(library.settings.read_bytes()) == {"bin_days": 0}
    keep_for(library, 1)
    assert said("bin") == "The bin is empty.\n"


@pytest.mark.parametrize("item_id", ["5f3a9c1e", "../..", ""])
def test_what_is_not_there(library: Library, said: Said, item_id: str) -> None:
    text = said("bin", "--restore", item_id, code=1)
    assert f"There is nothing called '{item_id}' in the bin." in text
    assert "`overnight bin` lists" in text


def test_deleting_notes(filled_library: Library, said: Said, run: Run) -> None:
    ids = [note["id"] for note in run("notes")["notes"]]
    result = run("notes", "--delete", ids[0])
    assert [note["id"] for note in result["notes"]] == ids[1:]
    assert [item["kind"] for item in result["bin"]] == ["note"]
    text = said("notes", "--delete", ids[1], "--delete", ids[2])
    assert " are in the bin for 30 days. `overnight bin` says how" in text
    assert "No notes yet" in text
    assert "no note with the number" in said("notes", "--delete", ids[0], code=1)
    for item in run("bin")["bin"]:
        run("bin", "--restore", item["id"])
    assert [note["id"] for note in run("notes")["notes"]] == ids


def test_an_import_says_which_notes_were_deleted(
    filled_library: Library, notes_folder: Path, said: Said, run: Run
) -> None:
    (lamp,) = [n["id"] for n in run("notes")["notes"] if n["path"].endswith("lighthouse.md")]
    run("notes", "--delete", lamp)
    text = said("import", notes_folder)
    assert "Skipped 1:" in text
    assert "You deleted this note. You can restore it from the bin" in text
    assert "restored" not in text
    assert "The note that you had deleted has been restored." in said(
        "import", notes_folder / "lighthouse.md"
    )


def test_renaming(library: Library, adapter: Path, said: Said, run: Run) -> None:
    assert said("rename", "My notes", "Ida’s notes") == ("Renamed “My notes” to “Ida’s notes”.\n")
    assert names(library) == ["Ida’s notes"]
    assert run("rename", "Ida’s notes", "Mu\u0308ller") == {"adapter": "Müller"}
    put(library.adapters, "Other")
    assert "already an adapter called 'Other'" in said("rename", "Müller", "OTHER", code=1)
    assert "no adapter called 'nobody'" in said("rename", "nobody", "New", code=1)
    assert "cannot be the name" in said("rename", "Müller", "a/b", code=1)
    assert names(library) == ["Müller", "Other"]


def test_removing_models(tiny_library: Library, said: Said, run: Run) -> None:
    put(tiny_library.adapters, "Garden")
    text = said("models", "--remove", "tiny")
    assert text.startswith("“tiny” is in the bin for 30 days.")
    assert "Trained on it: “Garden”." in text
    assert "choose another one there" in text
    result = run("models", "--remove", "starter")
    assert result["models"] == []
    assert [item["name"] for item in result["bin"]] == ["starter"]
    for item in run("bin")["bin"]:
        run("bin", "--restore", item["id"])
    assert "makes the starter again by itself" in said("models", "--remove", "starter")
    assert "There is no base model called 'nobody'." in said("models", "--remove", "nobody", code=1)


LATER = [
    ("remove", "My notes"),
    ("remove", "My notes", "--now"),
    ("rename", "My notes", "New"),
    ("bin", "--empty"),
    ("bin", "--restore", "5f3a9c1e"),
    ("bin",),
    ("models", "--remove", "tiny"),
    ("models",),
    ("notes", "--delete", "1"),
    ("notes",),
    ("import", "."),
    ("plan",),
    ("train", "--name", "New"),
    ("runs",),
    ("stop", "some"),
    ("pause", "some"),
    ("resume", "some"),
    ("chat", "--prompt", "Hello"),
    ("exam", "some.tsv"),
    ("adapters",),
    ("export", "My notes", "--to", "out"),
]


@pytest.mark.parametrize("words", LATER, ids=" ".join)
def test_a_library_of_a_later_version_is_refused_before_anything_is_touched(
    tiny_library: Library, words: tuple[str, ...], said: Said, tmp_path: Path
) -> None:
    put(tiny_library.adapters, "My notes")
    with database.opened(tiny_library.database) as connection:
        connection.execute("PRAGMA user_version = 999")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = {path: path.lstat().st_mtime_ns for path in tiny_library.home.rglob("*")}
    assert "later version" in said(*words, code=1)
    assert {path: path.lstat().st_mtime_ns for path in tiny_library.home.rglob("*")} == before


def test_what_was_kept_long_enough_goes_when_a_command_writes(
    filled_library: Library, notes_folder: Path, run: Run
) -> None:
    with database.opened(filled_library.database) as connection:
        talk = Conversations(connection).start("Old")
        connection.execute("UPDATE conversations SET title = 'Old' WHERE id = ?", (talk,))
        notes = [note.id for note in Notes(connection).summaries()]
    run("notes", "--delete", notes[0])
    with database.opened(filled_library.database) as connection:
        connection.execute("UPDATE bin SET deleted = 1")
    run("import", notes_folder)
    seen_long_ago(filled_library)
    run("import", notes_folder)
    with database.opened(filled_library.database) as connection:
        assert connection.execute("SELECT count(*) FROM bin").fetchone()[0] == 0
