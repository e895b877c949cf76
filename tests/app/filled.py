"""A library that already has something in it, for tests of the window."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from mlx_backend.library import Library
from mlx_backend.library.abilities import Abilities, Quantised
from mlx_backend.library.adapters import CARD, CONFIG, WEIGHTS, AdapterCard
from mlx_backend.library.database import connect, opened, transaction
from mlx_backend.library.imports import FileStamp, ImportRecords, ReadFile
from mlx_backend.library.inclusion import update_included
from mlx_backend.library.models import CARD as MODEL_CARD
from mlx_backend.library.models import ModelCard
from mlx_backend.library.notes import NewNote, Notes, Passage
from mlx_backend.library.sample_drafts import Draft
from mlx_backend.library.samples import Samples

TEXTS = {
    "Puffins": "We counted 352 burrows on Gull Pantry.",
    "Engine": "The engine has two cylinders and one opinion.",
    "Recipes": "Seaweed bread wants <b>no</b> salt.",
}


def add_notes(library: Library, texts: Mapping[str, str] = TEXTS, folder: str = "/notes") -> None:
    """Put notes into the library as an import of /notes would."""
    connection = connect(library.database)
    Notes(connection).save(
        NewNote(
            path=f"{folder}/{title}.md",
            source="/notes",
            title=title,
            text=text,
            sha256=hashlib.sha256(text.encode()).hexdigest(),
            words=len(text.split()),
            tokens=len(text) // 4,
            passages=(),
        )
        for title, text in texts.items()
    )
    connection.close()


def add_skipped(library: Library, skipped: Mapping[str, str]) -> None:
    """Record files that an import left out: paths and reasons."""
    connection = connect(library.database)
    files = (
        ReadFile(FileStamp(path, "/notes", 0, 0, "", 0), None, ((path, reason),), opened=False)
        for path, reason in skipped.items()
    )
    ImportRecords(Notes(connection)).save(files, lambda stamp, now_at: False)
    connection.close()


def add_adapter(library: Library, name: str, age_s: float = 0.0, base: str = "starter") -> Path:
    """Put an adapter into the library whose weights nobody will load."""
    folder = library.adapters / name
    folder.mkdir(parents=True)
    card = AdapterCard(
        name=name,
        base=base,
        base_sha256="",
        created=time.time() - age_s,
        run="20261123-010203-abcd",
        rank=16,
        scale=2.0,
        steps=600,
        notes=25,
        samples=240,
        train_loss=0.41,
        valid_loss=2.0,
        base_valid_loss=4.0,
    )
    (folder / CARD).write_bytes(msgspec.json.encode(card))
    (folder / WEIGHTS).write_bytes(b"weights")
    (folder / CONFIG).write_text("{}")
    return folder


def add_model(
    library: Library,
    name: str,
    parameters: int,
    abilities: Abilities | None = None,
    quantised: Quantised | None = None,
    *,
    source: str = "",
    title: str = "",
) -> None:
    """Put a base model into the library whose weights nobody will load."""
    folder = library.models / name
    folder.mkdir(parents=True)
    card = ModelCard(
        name=name,
        title=title or name,
        licence="",
        source=source,
        parameters=parameters,
        sha256="",
        abilities=abilities,
        quantised=quantised,
    )
    (folder / MODEL_CARD).write_bytes(msgspec.json.encode(card))
    (folder / "config.json").write_text("{}")
    (folder / "tokenizer.json").write_text("{}")
    (folder / "model.safetensors").write_bytes((2).to_bytes(8, "little") + b"{}")


def add_samples(library: Library, title: str, drafts: Sequence[Draft]) -> None:
    """Record what study wrote about a note."""
    with opened(library.database) as db:
        summary = next(note for note in Notes(db).summaries() if note.title == title)
        passage = Passage(0, summary.id, title, 0, "", Notes(db).text(summary.id))
        Samples(db).save("rules", [(passage, drafts)])


def add_finding(library: Library, title: str, step: str, **fields: object) -> None:
    """Record what curation found about a note, as it would."""
    values = {
        "leaves_out": 0,
        "reason": "Because.",
        "value": "",
        "spans": None,
        "score": None,
    } | fields
    connection = connect(library.database)
    with transaction(connection):
        connection.execute(
            "INSERT INTO findings (note_id, step, leaves_out, reason, value, spans, score)"
            " SELECT id, ?, ?, ?, ?, ?, ? FROM notes WHERE title = ?",
            (step, *values.values(), title),
        )
        update_included(connection)
    connection.close()
