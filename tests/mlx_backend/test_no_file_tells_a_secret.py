"""The whole way, by real processes: secrets in notes of many formats, and every file there is."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from mlx_backend.jobs import JobFolder, JobState, JobStatus, launch
from mlx_backend.library import Library, database
from mlx_backend.protocol import ExportSpec, ImportSpec, JobSpec, TrainSpec
from tests.mlx_backend.importers.samples import docx, mail, pdf, word_paragraph, zipped
from tests.mlx_backend.private_data.planting import ALPHANUMERIC, DIGITS, UPPER, some

TRAIN = TrainSpec(name="Boats", model="tiny", steps=20, rank=4, checkpoint_every=5)

# The libraries of a process print what they like, also at its very end.
CHATTY_LIBRARY = """
import atexit, sys
atexit.register(lambda: print("a library says: {key}", file=sys.stderr))
"""


class Planter:
    """Makes secrets and remembers them."""

    def __init__(self) -> None:
        self._random = Random(20)
        self.values: list[str] = []

    def key(self) -> str:
        """A key that is known by its own form."""
        return self._keep("AKIA" + some(self._random, UPPER + "234567", 16))

    def password(self) -> str:
        """A password that only the words around it tell."""
        return self._keep(some(self._random, ALPHANUMERIC, 9) + "!" + some(self._random, DIGITS, 2))

    def telling(self, place: str) -> str:
        """Sentences that tell two secrets, and one of them once more."""
        password = self.password()
        return (
            f"The wifi password of the {place} is {password}. The boats lie there all winter."
            f" The cloud key {self.key()} belongs to the harbour master. Later {password} was used."
        )

    def _keep(self, value: str) -> str:
        self.values.append(value)
        return value


def secretive_notes(plant: Planter) -> dict[str, str | bytes]:
    """A file of each of several formats, every one with secrets of its own."""
    eml = mail("Marta <m@cove.example>", "o@cove.example", "The inn", plant.telling("inn"))
    page = f"<html><body><h1>The shop</h1><p>{plant.telling('shop')}</p></body></html>"
    book = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {},
        "cells": [
            {"cell_type": "markdown", "metadata": {}, "source": [plant.telling("office")]},
            {
                "cell_type": "code",
                "metadata": {},
                "outputs": [],
                "execution_count": 1,
                "source": [f'api_key = "{plant.key()}"'],
            },
        ],
    }
    turns = [
        {"role": "user", "content": plant.telling("boat")},
        {"role": "assistant", "content": f"I keep {plant.key()} in mind."},
    ]
    return {
        "pier.md": f"# Pier {plant.key()}\n\n{plant.telling('pier')}\n\n"
        f"## Access {plant.key()}\n\nThe pier was built in 1902 by Oskar Lind.\n",
        "mast.txt": f"The mast\n\n{plant.telling('mast')}\n",
        "keel.org": f"#+TITLE: Keel\n\n* Lock\n{plant.telling('keel')}\n",
        "hull.rst": f"Hull\n====\n\n{plant.telling('hull')}\n",
        "inn.eml": eml,
        "shop.html": page,
        "office.ipynb": json.dumps(book),
        "boat.jsonl": json.dumps({"messages": turns}) + "\n",
        "crew.csv": f"name,password\nIda,{plant.password()}\nEmil,{plant.password()}\n",
        "lamp.docx": docx(word_paragraph("The lamp") + word_paragraph(plant.telling("lamp"))),
        "lens.pdf": pdf(["The lens", *plant.telling("lens").split(". ")]),
        "sails.zip": zipped({"sails.md": f"# Sails\n\n{plant.telling('sail loft')}\n"}),
    }


@pytest.fixture
def plant() -> Planter:
    return Planter()


@pytest.fixture
def written(
    plant: Planter, tiny_library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Library:
    """A library after an import, a training and an export, each a process of its own."""
    vault, chatty = tmp_path / "vault", tmp_path / "chatty"
    for folder in (vault, chatty):
        folder.mkdir()
    for name, content in secretive_notes(plant).items():
        data = content.encode() if isinstance(content, str) else content
        (vault / name).write_bytes(data)
    (chatty / "sitecustomize.py").write_text(CHATTY_LIBRARY.format(key=plant.key()))
    monkeypatch.setenv("PYTHONPATH", str(chatty), prepend=os.pathsep)
    imported = run(tiny_library, ImportSpec(paths=(str(vault),)))
    assert imported.result["added"] == 12
    assert imported.result["skipped"] == []
    run(tiny_library, TRAIN)
    run(tiny_library, ExportSpec(name="Boats", format="mlx", to=str(tmp_path / "export")))
    return tiny_library


def run(library: Library, spec: JobSpec) -> JobStatus:
    parent = library.runs if isinstance(spec, TrainSpec) else library.jobs
    folder = JobFolder.create(parent, spec)
    launch(folder)
    deadline = time.monotonic() + 120
    while not (status := folder.status()).state.is_over:
        assert time.monotonic() < deadline, folder.log_path.read_text()
        time.sleep(0.05)
    assert status.state is JobState.FINISHED, status.error
    while "a library says" not in (log := folder.log_path.read_text()):
        assert time.monotonic() < deadline, log
        time.sleep(0.05)
    return status


def files_below(*folders: Path) -> Iterator[Path]:
    for folder in folders:
        yield from (path for path in folder.rglob("*") if path.is_file())


def columns_that_tell(connection: sqlite3.Connection, values: list[str]) -> set[str]:
    """Each "table.column" of the database that holds one of the values."""
    tables = [row[0] for row in connection.execute("SELECT name FROM pragma_table_list")]
    found: set[str] = set()
    for table in tables:
        for row in connection.execute(f'SELECT * FROM "{table}"'):
            for column in row.keys():  # noqa: SIM118 - iterating over a row gives its values
                cell = row[column]
                text = cell.decode(errors="replace") if isinstance(cell, bytes) else str(cell)
                if any(value in text for value in values):
                    found.add(f"{table}.{column}")
    return found


def test_only_the_notes_themselves_tell_the_secrets(
    written: Library, plant: Planter, tmp_path: Path
) -> None:
    assert len(set(plant.values)) >= 25
    check_files([written.home, tmp_path / "export"], plant.values)
    check_samples(written)
    check_database(written, plant.values)


def check_files(folders: list[Path], values: list[str]) -> None:
    files = [path for path in files_below(*folders) if not path.name.startswith("library.sqlite")]
    names = {path.name for path in files}
    assert names >= {"samples.json", "events.jsonl", "job.log", "report.json", "card.json"}
    assert any(path.is_relative_to(folders[1]) for path in files)
    for path in files:
        data = path.read_bytes()
        told = [value for value in values if value.encode() in data]
        assert not told, (path, told)


def check_samples(library: Library) -> None:
    """All is there but the secrets."""
    (samples,) = library.runs.glob("*/samples.json")
    text = samples.read_text()
    for place in ("pier", "mast", "keel", "hull", "inn", "shop", "office", "boat", "lamp", "lens"):
        assert f"The wifi password of the {place} is [password removed]" in text
    assert "The boats lie there all winter." in text
    assert "was built in 1902" in text


def check_database(library: Library, values: list[str]) -> None:
    with database.opened(library.database) as connection:
        # The index of words keeps no copy of the texts; the words themselves, folded, are in its
        # pages, since notes are found by them.
        assert columns_that_tell(connection, values) == {
            "notes.text",
            "notes.title",
            "passages.heading",
        }
        key = next(value for value in values if value.startswith("AKIA"))
        hits = connection.execute("SELECT 1 FROM notes_index WHERE notes_index MATCH ?", (key,))
        assert hits.fetchone()
