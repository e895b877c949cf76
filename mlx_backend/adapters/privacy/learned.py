"""Which notes an adapter learned, and the secrets in them."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from mlx_backend.dataset.samples import load_dataset
from mlx_backend.errors import OvernightError
from mlx_backend.library.adapters import Adapter, find_adapter
from mlx_backend.library.home import Library
from mlx_backend.library.ledger import Ledger
from mlx_backend.library.note_secrets import NoteSecrets, note_secrets
from mlx_backend.private_data.masking import mask_copies
from mlx_backend.private_data.private_span import PrivateSpan
from mlx_backend.protocol import TrainSpec, decode_spec

_MOST_NIGHTS = 100  # that went on with one another
_AROUND = 300  # characters


@dataclass(frozen=True)
class Secret:
    """A secret of a note, at its first place there.

    value: the secret; before, after: the note's text around it. title: the note's, with its secrets
    masked. allowed: the person let training see it.
    """

    note: int
    title: str
    kind: str
    value: str = field(repr=False)
    before: str = field(repr=False)
    after: str = field(repr=False)
    allowed: bool = False


def learned_notes(
    library: Library, connection: sqlite3.Connection, adapter: Adapter
) -> frozenset[int]:
    """The ids of the notes in the library that an adapter learned, or may have learned.

    As the notes, the ledger and the samples of its run tell, and those of the adapters that it went
    on with. None for an adapter that was not trained here.
    """
    found: set[int] = set()
    for version in _lineage(library, adapter):
        name, of_run = version.card.name, _run_of(library, version)
        rows = connection.execute("SELECT id FROM notes WHERE learned_by = ?", (name,))
        found |= {row["id"] for row in rows}
        found |= {fact.note for fact in Ledger(connection).of(version.card.id)}
        if of_run is not None:
            found |= _notes_of_run(of_run)
    there = {row["id"] for row in connection.execute("SELECT id FROM notes")}
    return frozenset(found & there)


def is_made_here(library: Library, adapter: Adapter) -> bool:
    """Whether notes of this library were taught to an adapter, or to one that it was made of.

    One that it was made of and that is gone counts as taught.
    """
    versions = list(_lineage(library, adapter))
    there = {version.card.id for version in versions}
    parents = {parent.id for version in versions for parent in version.card.parents}
    runs = [run for version in versions if (run := _run_of(library, version)) is not None]
    return not parents <= there or any(_notes_of_run(run) for run in runs)


def secrets_of(connection: sqlite3.Connection, notes: Collection[int]) -> list[Secret]:
    """Each secret found in these notes once for each note, masked or allowed, by note and place."""
    titles = dict(connection.execute("SELECT id, title FROM notes").fetchall())
    found: dict[tuple[int, str], Secret] = {}
    for of_note in note_secrets(connection):
        if of_note.note_id in notes:
            title = shown_title(titles.get(of_note.note_id, ""), of_note)
            for span in of_note.found:
                secret = _secret(of_note, span, title)
                found.setdefault((secret.note, secret.value), secret)
    return sorted(found.values(), key=lambda each: each.note)


def shown_title(title: str, of_note: NoteSecrets) -> str:
    """The title of a note with all its secrets masked, also those that training may see."""
    return mask_copies(title, of_note.text, of_note.found)


def _secret(of_note: NoteSecrets, span: PrivateSpan, title: str) -> Secret:
    text = of_note.text
    return Secret(
        note=of_note.note_id,
        title=title,
        kind=span.kind,
        value=text[span.start : span.end],
        before=text[max(0, span.start - _AROUND) : span.start],
        after=text[span.end : span.end + _AROUND],
        allowed=span not in of_note.masked,
    )


def _lineage(library: Library, adapter: Adapter) -> Iterator[Adapter]:
    """An adapter, and those in the library that its training went on with or that it joins."""
    seen: set[str] = set()
    waiting = [adapter]
    while waiting and len(seen) < _MOST_NIGHTS:
        version = waiting.pop()
        if version.card.id not in seen:
            seen.add(version.card.id)
            yield version
            waiting += _made_of(library, version)


def _made_of(library: Library, adapter: Adapter) -> list[Adapter]:
    found = []
    for adapter_id, name in {*_parents(adapter), *_went_on_with(library, adapter)}:
        with contextlib.suppress(OvernightError):
            found.append(find_adapter(library.adapters, adapter_id, name))
    return found


def _parents(adapter: Adapter) -> list[tuple[str, str]]:
    return [(parent.id, parent.name) for parent in adapter.card.parents]


def _went_on_with(library: Library, adapter: Adapter) -> list[tuple[str, str]]:
    """The same as `_parents` for adapters from before cards told it."""
    run = _run_of(library, adapter)
    try:
        spec = None if run is None else decode_spec((run / "spec.json").read_bytes())
    except (OSError, OvernightError):
        return []
    if not isinstance(spec, TrainSpec) or spec.start_from is None:
        return []
    return [(spec.start_from_id, spec.start_from)]


def _run_of(library: Library, adapter: Adapter) -> Path | None:
    """The folder of the run that made an adapter; None where it is gone or names another place."""
    name = adapter.card.run
    if not name or name in (".", "..") or Path(name).name != name:
        return None
    path = library.runs / name
    return path if path.is_dir() else None


def _notes_of_run(run: Path) -> set[int]:
    try:
        return set(load_dataset(run / "samples.json").versions)
    except (OSError, ValueError, msgspec.DecodeError):
        return set()
