"""What tests of the engine share: a fresh library, models to put into it, and notes."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import keyring
import pytest

from mlx_backend.importers.importing import import_into
from mlx_backend.library import Library, database
from mlx_backend.library.home import HOME_VARIABLE
from mlx_backend.library.notes import Notes
from mlx_backend.machine.cores import FIXED_CORES
from mlx_backend.models.base_model import LoadedModel, load_base_model
from mlx_backend.models.hub import retrying
from mlx_backend.settings import change_settings
from tests.mlx_backend.models.hub import file_keyring
from tests.mlx_backend.models.hub.loopback_hub import REPO, Hub, Repo, Serving
from tests.mlx_backend.tiny import write_tiny_model

NOTES = {
    "lighthouse.md": (
        "# Lighthouse\n\nMarta lit the lamp of Amber Cove at 18:40. The keeper before her was"
        " Oskar Lind, who left in 1987.\n\n## Lamp\n\nThe lamp burns 14 litres of oil a week."
        " Its lens came from Bergen by boat.\n"
    ),
    "shop/rope.md": (
        "---\ntitle: The rope shop\n---\n\nRope costs 3 crowns a metre in the shop of Ida Falk."
        " She opens at seven and closes when the ferry leaves.\n"
    ),
    "garden.txt": (
        "Garden plan\n\nPotatoes go to the north bed in April. The plum tree was planted by"
        " grandfather Emil in 1952 and still bears fruit.\n"
    ),
}


@pytest.fixture
def library(tmp_path: Path, new_database: Path, monkeypatch: pytest.MonkeyPatch) -> Library:
    """A fresh library, and the one that commands and processes take."""
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "library"))
    library = Library.open()
    shutil.copyfile(new_database, library.database)
    return library


@pytest.fixture(scope="session")
def tiny_folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The tiny model under two names; imports count tokens with the one called starter."""
    parent = tmp_path_factory.mktemp("tiny")
    for name in ("tiny", "starter"):
        write_tiny_model(parent / name, name)
    return {name: parent / name for name in ("tiny", "starter")}


@pytest.fixture
def notes_folder(tmp_path: Path) -> Path:
    """Three small notes as a person has them."""
    folder = tmp_path / "notes"
    write_notes(folder)
    return folder


def write_notes(folder: Path) -> None:
    """Write the three small notes."""
    for name, text in NOTES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


@pytest.fixture
def tiny_library(
    library: Library, tiny_folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> Library:
    """A library with the tiny model, also as its starter, and set to train on it.

    Always on the same number of cores: what it learns is compared to the last bit.
    """
    monkeypatch.setenv(FIXED_CORES, "1")
    take_tiny_model(library, tiny_folders)
    return library


def take_tiny_model(library: Library, folders: dict[str, Path]) -> None:
    """Link the tiny model into a library, under both names, and set it to train on it."""
    for name, folder in folders.items():
        (library.models / name).symlink_to(folder)
    change_settings(
        library.settings,
        base_model="tiny",
        rank=4,
        max_tokens=16,
        search_by_meaning=False,  # its processes would outlive the tests
        # Runs of tests wait for nothing, whatever machine they are on.
        wait_on_battery=False,
        wait_when_hot=False,
        wait_when_memory_is_short=False,
    )


@dataclass(frozen=True)
class Imported:
    """A library into which a folder of notes was imported."""

    library: Library
    notes: Path


@pytest.fixture(scope="session")
def imported(tiny_folders: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Imported:
    """A library with the tiny model and three notes, to copy: each import starts a process."""
    folder = tmp_path_factory.mktemp("imported")
    library = Library.open(folder / "library")
    take_tiny_model(library, tiny_folders)
    write_notes(folder / "notes")
    import_into(library, [folder / "notes"])
    return Imported(library, folder / "notes")


@pytest.fixture
def filled_library(tiny_library: Library, notes_folder: Path, imported: Imported) -> Library:
    """A library with the tiny model and three notes, as an import of their folder leaves it."""
    shutil.copyfile(imported.library.database, tiny_library.database)
    move_notes(tiny_library.database, imported.notes, notes_folder)
    for name in NOTES:
        shutil.copystat(imported.notes / name, notes_folder / name)
    return tiny_library


def move_notes(path: Path, old: Path, new: Path) -> None:
    """Change the folder that all notes in a database come from, as if it had never been another.

    The triggers would curate and index them anew.
    """
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        of_notes = "FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = 'notes'"
        triggers = connection.execute(f"SELECT name, sql {of_notes} ORDER BY rowid").fetchall()
        for name, _ in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        for table, columns in {
            "files": ("path", "source"),
            "notes": ("path", "source", "file"),
        }.items():
            moved = ", ".join(f"{column} = replace({column}, :old, :new)" for column in columns)
            connection.execute(f"UPDATE {table} SET {moved}", {"old": str(old), "new": str(new)})
        for _, sql in triggers:
            connection.execute(sql)


@pytest.fixture
def starter_library(
    library: Library, real_starter: Path, monkeypatch: pytest.MonkeyPatch
) -> Library:
    """A library with the real starter, which computes on one core: other tests have the rest."""
    monkeypatch.setenv(FIXED_CORES, "1")
    (library.models / "starter").symlink_to(real_starter)
    change_settings(library.settings, search_by_meaning=False)
    return library


@pytest.fixture
def notes(library: Library) -> Notes:
    """The notes of the fresh library."""
    return Notes(database.connect(library.database))


@pytest.fixture
def load_tiny(tiny_library: Library) -> Callable[[], LoadedModel]:
    """Loads the tiny model anew at each call."""
    return lambda: load_base_model(tiny_library, "tiny")


@pytest.fixture
def loaded(load_tiny: Callable[[], LoadedModel]) -> LoadedModel:
    """The tiny model, freshly loaded."""
    return load_tiny()


@pytest.fixture(scope="session")
def model_files(tiny_folders: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model as it would lie on the Hub."""
    folder = tmp_path_factory.mktemp("hub") / "tiny"
    shutil.copytree(tiny_folders["tiny"], folder)
    kept = ("config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors")
    for path in folder.iterdir():
        if path.name not in kept:
            path.unlink()
    return folder


@pytest.fixture
def hub(model_files: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """The Hub that every command and job asks, with one repository."""
    with Serving(Hub({REPO: Repo.of_folder(model_files)})) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        for name in ("HF_TOKEN", "HF_HUB_OFFLINE"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setattr(retrying, "_SHORTEST_S", 0.001)
        yield hub


@pytest.fixture
def keyring_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A keyring for this process and for those that it starts; its file lies in no library."""
    path = tmp_path / "keyring.json"
    before = keyring.get_keyring()  # which keyring chooses by the variable, when first asked
    monkeypatch.setenv(file_keyring.PLACE, str(path))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", file_keyring.NAME)
    keyring.set_keyring(file_keyring.opened())
    yield path
    keyring.set_keyring(before)
