"""What an adapter remembers, tested once: an adapter does not change, and a test takes minutes.

It is tested again when other secrets are found in its notes. The page lies in the library, not in
the adapter's folder, because it has examples from the notes and a person may give that folder away.
"""

from __future__ import annotations

import hashlib
import sqlite3
from pathlib import Path

import msgspec

from mlx_backend.adapters.privacy.gate import NOBODY, Leaving, Watcher, privacy_page
from mlx_backend.adapters.privacy.learned import learned_notes, secrets_of
from mlx_backend.adapters.privacy.shown_pages import SUFFIX, page_id
from mlx_backend.files import sha256_of_file, write_atomically
from mlx_backend.library.adapters import WEIGHTS, Adapter, list_adapters
from mlx_backend.library.canaries import canaries_of
from mlx_backend.library.home import Library
from mlx_backend.models.base_model import LoadedModel
from mlx_backend.protocol.privacy import PrivacyPage

_VERSION = 1  # of what is tested


class _Kept(msgspec.Struct, frozen=True):
    digest: str
    page: PrivacyPage


def remembered(
    library: Library,
    connection: sqlite3.Connection,
    adapter: Adapter,
    loaded: LoadedModel,
    watcher: Watcher = NOBODY,
) -> PrivacyPage:
    """What an adapter remembers, without any files: as it was tested before, or tested now."""
    known = known_already(library, connection, adapter)
    if known is not None:
        return known
    digest = _digest(library, connection, adapter)
    kept = _read(_path(library, adapter))
    page = privacy_page(library, connection, adapter, loaded, Leaving([]), watcher)
    if kept is not None:
        page = _with_what_was_found(kept.page, page)
    if page.adapter_tested:
        _keep(library, adapter, _Kept(digest, page))
    return page


def known_already(
    library: Library, connection: sqlite3.Connection, adapter: Adapter
) -> PrivacyPage | None:
    """What an adapter remembers where no test, and so no model, is needed; else None."""
    kept = _read(_path(library, adapter))
    if kept is None or kept.digest != _digest(library, connection, adapter):
        return None
    return msgspec.structs.replace(kept.page, adapter=adapter.name)


def _with_what_was_found(before: PrivacyPage, now: PrivacyPage) -> PrivacyPage:
    """The page of now, with what was found earlier of notes that cannot be tested any more.

    An adapter does not forget what it learned when a note is deleted or its secret is taken out.
    """
    tested = {each.note for each in now.exposed} | {each.note for each in now.continuations}
    exposed = [each for each in before.exposed if each.note not in tested]
    repeating = [each for each in before.repeating if each.note not in tested]
    return msgspec.structs.replace(
        now,
        adapter_tested=now.adapter_tested or bool(exposed or repeating),
        exposed=(*now.exposed, *exposed),
        continuations=(*now.continuations, *repeating),
        planted=now.planted or before.planted,
    )


def with_files(
    library: Library,
    connection: sqlite3.Connection,
    adapter: Adapter,
    remembers: PrivacyPage,
    leaving: Leaving,
    watcher: Watcher = NOBODY,
) -> PrivacyPage:
    """The page of an adapter with what is found in the files that would leave."""
    found = privacy_page(library, connection, adapter, None, leaving, watcher)
    tested = msgspec.structs.replace(
        remembers.tested,
        files=found.tested.files,
        bytes=found.tested.bytes,
        words=found.tested.words,
    )
    return msgspec.structs.replace(
        remembers, hits=found.hits, tested=tested, stopped=remembers.stopped or found.stopped
    )


def held_back(adapter: Adapter, page: PrivacyPage) -> dict[str, object]:
    """The result of a job that wrote and sent nothing, because the page is not clear."""
    return {
        "adapter": adapter.name,
        "files": [],
        "url": None,
        "held_back": True,
        "page_id": page_id(adapter, page),
        "privacy": told(page),
    }


def told(page: PrivacyPage) -> dict[str, object]:
    """A page as a job's result has it, with whether it is clear."""
    fields: dict[str, object] = msgspec.to_builtins(page)
    return fields | {"is_clear": page.is_clear}


def _path(library: Library, adapter: Adapter) -> Path:
    return library.home / "privacy" / f"{adapter.card.id}.json"


def _read(path: Path) -> _Kept | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Kept)
    except (OSError, ValueError, RecursionError):
        return None


def _keep(library: Library, adapter: Adapter, kept: _Kept) -> None:
    path = _path(library, adapter)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    write_atomically(path, msgspec.json.encode(kept))
    there = {each.card.id for each in list_adapters(library.adapters)}
    for other in path.parent.iterdir():
        if other.suffix in (".json", SUFFIX) and other.stem not in there:
            other.unlink(missing_ok=True)


def _digest(library: Library, connection: sqlite3.Connection, adapter: Adapter) -> str:
    """Of its weights, the secrets in the notes that it learned, its canaries, and the test."""
    notes = sorted(learned_notes(library, connection, adapter))
    secrets = [(s.note, s.kind, s.value, s.allowed) for s in secrets_of(connection, notes)]
    canaries = canaries_of(library, adapter.card.id)
    weights = sha256_of_file(adapter.path / WEIGHTS)
    tested = (_VERSION, weights, notes, secrets, *canaries)
    return hashlib.sha256(repr(tested).encode()).hexdigest()
