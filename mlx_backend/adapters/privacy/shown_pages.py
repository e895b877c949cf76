"""Which privacy pages a person was shown, so that nothing is shared in spite of an unseen one."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from mlx_backend.files import sha256_of_file, write_atomically
from mlx_backend.library.adapters import WEIGHTS, Adapter
from mlx_backend.library.home import Library
from mlx_backend.protocol.privacy import PrivacyPage

SUFFIX = ".shown"
"""Of the file beside an adapter's kept page."""

_MOST = 50  # pages of one adapter: those of exports, and of each repository


def page_id(adapter: Adapter, page: PrivacyPage) -> str:
    """What identifies a page: the adapter's weights, and all that was found.

    It is another one as soon as the adapter or a finding changes. Raises OSError where the weights
    cannot be read.
    """
    hits = [(Path(hit.file).name, hit.what, hit.where, hit.note) for hit in page.hits]
    found = (hits, page.exposed, page.repeating, page.adapter_tested, page.stopped)
    weights = sha256_of_file(adapter.path / WEIGHTS)
    return hashlib.sha256(repr((adapter.card.id, weights, found)).encode()).hexdigest()


def mark_shown(library: Library, adapter: Adapter, shown: str) -> None:
    """Keep that the page with this id was shown to the person."""
    before = [each for each in shown_pages(library, adapter) if each != shown]
    path = _path(library, adapter)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    write_atomically(path, msgspec.json.encode([*before, shown][-_MOST:]))


def shown_pages(library: Library, adapter: Adapter) -> tuple[str, ...]:
    """The ids of the pages of an adapter that were shown; none where that cannot be read."""
    try:
        return msgspec.json.decode(_path(library, adapter).read_bytes(), type=tuple[str, ...])
    except (OSError, ValueError, RecursionError):
        return ()


def _path(library: Library, adapter: Adapter) -> Path:
    return library.home / "privacy" / f"{adapter.card.id}{SUFFIX}"
