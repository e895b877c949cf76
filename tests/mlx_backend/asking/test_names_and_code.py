"""Passages are found by what their notes are called and filed under, and by their code."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlx_backend.asking.retrieval import Retriever
from mlx_backend.importers.importing import import_into
from mlx_backend.library import Library
from mlx_backend.library.notes import Notes

STASH = "# Putting work aside\n\nUntracked files go along:\n\n```sh\ngit stash -u\n```\n"
OTHERS = {
    "other.md": "# Other\n\nThe weather stayed dry, and a walk was had by all of us u know.\n",
    "more.md": "# More\n\nA dry run of the play each evening.\n",
}


def found(library: Library, notes: Notes, folder: Path, files: dict[str, str], asked: str) -> str:
    """The title of the note that is found first among these files."""
    for name, text in {**OTHERS, **files}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    import_into(library, [folder])
    retriever = Retriever(notes.connection)
    retriever.refresh()
    hits = retriever.find(asked)
    return hits[0].title if hits else ""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "vault"


@pytest.mark.parametrize(
    ("name", "text", "asked"),
    [
        ("a.md", "---\naliases: [Amber light]\n---\n# Lamp\n\nIt burns oil.\n", "amber light?"),
        ("a.md", "---\ntags: [seafaring]\n---\n# Lamp\n\nIt burns oil.\n", "seafaring notes"),
        ("a.md", "# Lamp\n\nIt burns oil.\n\n#seafaring/coast\n", "what of the coast?"),
        ("beacon-oil.md", "# Lamp\n\nIt burns it.\n", "which beacon?"),
        ("coastGuard.md", "# Lamp\n\nIt burns it.\n", "the guard of the coast"),
        ("Harbour/a.md", "# Lamp\n\nIt burns oil.\n", "anything about the harbour?"),
        ("a.md", "---\naliases: [灯台]\n---\n# Lamp\n\nIt burns oil.\n", "灯台は?"),
        ("a.md", "---\naliases: [מגדלור]\n---\n# Lamp\n\nIt burns oil.\n", "איפה מגדלור"),
        ("a.md", "# Lamp\n\nSwitch with `useLamp()` only.\n", "how to use the lamp?"),
        ("a.md", "# Lamp\n\n```\nlamp_each(x) --dry-run\n```\n", "what does lamp_each do?"),
        ("a.md", "# Lamp\n\n```\nlamp --dry-run\n```\n", "what does --dry-run mean?"),
        ("a.md", STASH.replace("Putting work aside", "Lamp"), "what is `git stash -u`?"),
    ],
)
def test_a_note_is_found_by(
    tiny_library: Library, notes: Notes, folder: Path, name: str, text: str, asked: str
) -> None:
    assert found(tiny_library, notes, folder, {name: text}, asked) == "Lamp"


def test_code_is_in_the_passage_that_is_found(
    tiny_library: Library, notes: Notes, folder: Path
) -> None:
    found(tiny_library, notes, folder, {"a.md": STASH}, "stash")
    (passage, *_) = Retriever(notes.connection).find("git stash -u")
    assert "git stash -u" in passage.text


def test_names_follow_their_file(tiny_library: Library, notes: Notes, folder: Path) -> None:
    text = "---\naliases: [Amber]\n---\n# Lamp\n\nIt burns oil.\n"
    assert found(tiny_library, notes, folder, {"beacon.md": text}, "beacon amber") == "Lamp"
    (folder / "beacon.md").rename(folder / "fog.md")
    assert found(tiny_library, notes, folder, {}, "fog") == "Lamp"
    assert found(tiny_library, notes, folder, {}, "beacon") == ""
    assert found(tiny_library, notes, folder, {"fog.md": text.replace("Amber", "Red")}, "red")
    assert found(tiny_library, notes, folder, {}, "amber") == ""


def test_secrets_are_no_names(tiny_library: Library, notes: Notes, folder: Path) -> None:
    key = "AKIA" + "Q3EGTX7" + "MN2RWDVLZ"  # put together, so that no scanner takes it for a leak
    text = f"---\naliases: [Amber, {key}]\ntags: ['{key}']\n---\n# Lamp\n\nIt burns oil.\n"
    assert found(tiny_library, notes, folder, {"a.md": text}, key) == ""
    rows = notes.connection.execute("SELECT aliases, tags FROM notes WHERE title = 'Lamp'")
    assert [tuple(row) for row in rows] == [("Amber", "")]


def test_a_note_of_tags_alone_breaks_nothing(
    tiny_library: Library, notes: Notes, folder: Path
) -> None:
    text = "# Lamp\n\n" + " ".join(f"#t{n}" for n in range(20_000)) + " #" + "x" * 50_000 + "\n"
    assert found(tiny_library, notes, folder, {"a.md": text}, "t5") == "Lamp"
    longest = notes.connection.execute("SELECT max(length(tags)) FROM passages_index").fetchone()[0]
    assert longest < 10_000
