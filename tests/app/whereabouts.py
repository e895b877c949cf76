"""Where every thing of a library is, read from the disk itself and not through the product."""

from __future__ import annotations

import contextlib
import json
import secrets
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from mlx_backend.library import Library
from mlx_backend.library.conversations import Conversations, StoredTurn
from mlx_backend.library.database import opened
from mlx_backend.library.sample_drafts import Draft
from tests.app.filled import TEXTS, add_adapter, add_model, add_notes, add_samples

IN_BIN = "in the bin"
TABLES = {"note": "notes", "sample": "samples", "conversation": "conversations"}
_TITLES = {"note": "title", "sample": "prompt", "conversation": "title"}
_TOKEN = "token.txt"

Places = dict[tuple[str, str], str]
"""By kind and identity, what a thing is called where it is, or that it is in the bin."""


def mark(folder: Path) -> str:
    """Put something into a folder that tells it from all others, whatever it is called."""
    token = secrets.token_hex(8)
    (folder / _TOKEN).write_text(token)
    return token


def add_talk(library: Library, title: str) -> int:
    """A conversation of one question."""
    with opened(library.database) as db:
        talk = Conversations(db).start(title)
        Conversations(db).add(talk, StoredTurn("user", title, None))
    return talk


def fill(library: Library) -> None:
    """A few things of each kind."""
    for age, name in enumerate(("Amber", "Birch", "Cedar")):
        mark(add_adapter(library, name, age_s=age))
    for name in ("large", "small"):
        add_model(library, name, 100_000_000)
        mark(library.models / name)
    add_notes(library)
    questions = [
        Draft(kind="fact", prompt=f"{title}, no. {n}?", answer="7", key="7", quote="7")
        for title in TEXTS
        for n in range(2)
    ]
    for title in TEXTS:
        add_samples(library, title, [each for each in questions if each.prompt.startswith(title)])
    for title in ("One", "Two", "Three"):
        add_talk(library, title)


def whereabouts(library: Library) -> Places:
    """Where every thing is. Raises AssertionError when something is at two places."""
    found: Places = {}
    for thing, place in _all(library):
        assert thing not in found, f"{thing} is twice: {found[thing]}, {place}"
        found[thing] = place
    return found


def _all(library: Library) -> Iterator[tuple[tuple[str, str], str]]:
    for kind, folder in (("adapter", library.adapters), ("model", library.models)):
        for path in sorted(folder.iterdir()):
            if (path / _TOKEN).exists():
                yield (kind, (path / _TOKEN).read_text()), path.name
    for path in sorted((library.home / "bin").glob(f"*/content/{_TOKEN}")):
        kind = json.loads((path.parents[1] / "item.json").read_text())["kind"]
        yield (kind, path.read_text()), IN_BIN
    with contextlib.closing(sqlite3.connect(library.database)) as db:
        for kind, table in TABLES.items():
            for number, title in db.execute(f"SELECT id, {_TITLES[kind]} FROM {table}"):
                yield (kind, str(number)), title
        for (content,) in db.execute("SELECT content FROM bin"):
            rows = json.loads(content)
            for kind, table in TABLES.items():
                for row in rows.get(table, ()):
                    yield (kind, str(row["id"])), IN_BIN


def sample_notes(library: Library) -> dict[tuple[str, str], tuple[str, str]]:
    """The note that each sample in the library is about."""
    with contextlib.closing(sqlite3.connect(library.database)) as db:
        rows = db.execute("SELECT id, note_id FROM samples").fetchall()
    return {("sample", str(sample)): ("note", str(note)) for sample, note in rows}


def item_things(library: Library) -> dict[str, tuple[str, str]]:
    """The thing that each item of the bin is."""
    found = {}
    for path in (library.home / "bin").glob(f"*/content/{_TOKEN}"):
        item = path.parents[1]
        kind = json.loads((item / "item.json").read_text())["kind"]
        found[item.name] = (kind, path.read_text())
    with contextlib.closing(sqlite3.connect(library.database)) as db:
        for item_id, kind, number in db.execute("SELECT id, kind, number FROM bin"):
            found[item_id] = (kind, str(number))
    return found


def deleted_files(library: Library) -> dict[tuple[str, str], str]:
    """The notes in the bin, each with its file."""
    query = (
        "SELECT note_id, file FROM deleted_notes"
        " WHERE note_id IN (SELECT number FROM bin WHERE kind = 'note')"
    )
    with contextlib.closing(sqlite3.connect(library.database)) as db:
        return {("note", str(note)): file for note, file in db.execute(query)}


def learned(library: Library) -> dict[tuple[str, str], str]:
    """The notes that count as learned, each with the adapter that learned it."""
    query = "SELECT id, learned_by FROM notes WHERE learned_sha256 = sha256"
    with contextlib.closing(sqlite3.connect(library.database)) as db:
        return {("note", str(note)): adapter for note, adapter in db.execute(query)}
