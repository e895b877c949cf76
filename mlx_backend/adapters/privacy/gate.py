"""The privacy gate: all that is looked at before anything leaves, with one page as its result."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from mlx_backend.adapters.privacy.byte_scan import all_files, hits
from mlx_backend.adapters.privacy.continuations import continuations, most_private
from mlx_backend.adapters.privacy.exposure import exposed_secrets
from mlx_backend.adapters.privacy.forbidden import forbidden_words
from mlx_backend.adapters.privacy.learned import (
    Secret,
    is_made_here,
    learned_notes,
    secrets_of,
)
from mlx_backend.adapters.privacy.planted import MOST_CANARIES, planted_canaries
from mlx_backend.adapters.privacy.same_form import Words
from mlx_backend.library.adapter_bases import base_of
from mlx_backend.library.adapters import Adapter
from mlx_backend.library.canaries import canaries_of
from mlx_backend.library.home import Library
from mlx_backend.library.notes import Notes
from mlx_backend.models.base_model import LoadedModel
from mlx_backend.models.lora import apply_adapters, detach
from mlx_backend.protocol.privacy import PrivacyPage, Tested

MOST_SECRETS = 40
"""Of an adapter with more, so many are tested: those of the most notes, one after the other.

Each takes seconds: a hundred others of its form, and a thousand where it comes out among the first.
"""


@dataclass(frozen=True)
class Watcher:
    """Whoever waits for the page.

    on_progress: called with what is looked at ("files", "secrets", "canaries" or "passages"), how
    many of them are done, and of how many. stop_requested: whether to stop.
    """

    on_progress: Callable[[str, int, int], object]
    stop_requested: Callable[[], bool]


NOBODY = Watcher(lambda *_: None, lambda: False)
"""Nobody waits, and nobody stops it."""

_PUBLIC = (".json", ".txt", ".model", ".jinja", ".tiktoken")


class _StoppedError(Exception):
    """Raised where the person stops the test."""


@dataclass(frozen=True)
class Leaving:
    """What would leave: files, or folders with all that is in them.

    names: those that the person gives away knowingly, beside the adapter's own.
    """

    files: Sequence[Path]
    names: Sequence[str] = ()


def privacy_page(
    library: Library,
    connection: sqlite3.Connection,
    adapter: Adapter,
    loaded: LoadedModel | None,
    leaving: Leaving,
    watcher: Watcher = NOBODY,
) -> PrivacyPage:
    """Look at all files that would leave, and test the adapter on its base model, `loaded`.

    An adapter that was trained elsewhere has no notes here: then, and without a model, only the
    files are looked at. A page that was stopped has what was found by then, and is not clear. Takes
    all adapters off the model. Raises OvernightError for an adapter that does not fit the model.
    """
    gate = _Gate(library, connection, adapter, watcher)
    try:
        gate.look_at_files(leaving, public_files(library, adapter))
        if loaded is not None and gate.notes:
            with _on_model(loaded, adapter):
                gate.test_secrets(loaded)
                gate.test_canaries(loaded)
                gate.test_passages(loaded)
            gate.change(adapter_tested=True)
    except _StoppedError:
        gate.change(stopped=True)
    return gate.page


def public_files(library: Library, adapter: Adapter) -> list[Path]:
    """The files of an adapter's base that hold its vocabulary and settings: anyone can have them.

    None where the base is not in the library.
    """
    base = base_of(library, adapter.card)
    files = (library.models / base).iterdir() if base else ()
    return sorted(path for path in files if path.is_file() and path.suffix in _PUBLIC)


@contextmanager
def _on_model(loaded: LoadedModel, adapter: Adapter) -> Iterator[None]:
    apply_adapters(loaded.model, [(adapter, 1.0)])
    try:
        yield
    finally:
        detach(loaded.model)


class _Gate:
    """Leads the tests, and keeps the page as far as it is known."""

    def __init__(
        self,
        library: Library,
        connection: sqlite3.Connection,
        adapter: Adapter,
        watcher: Watcher,
    ) -> None:
        self._library = library
        self._db = connection
        self._adapter = adapter
        self._watcher = watcher
        self.notes = learned_notes(library, connection, adapter)
        tested = Tested(notes=len(self.notes))
        made_here = is_made_here(library, adapter)
        self.page = PrivacyPage(adapter=adapter.card.name, tested=tested, was_made_here=made_here)

    def change(self, **fields: object) -> None:
        """Set fields of the page."""
        self.page = msgspec.structs.replace(self.page, **fields)

    def look_at_files(self, leaving: Leaving, public: Sequence[Path]) -> None:
        """Scan all files for what must not leave."""
        paths = list(all_files(leaving.files))
        forbidden = forbidden_words(
            self._library, self._db, but=[self.page.adapter, *leaving.names]
        )
        counted = iter(range(len(paths)))
        found = hits(
            paths, forbidden, public, lambda _: self._go_on("files", next(counted), len(paths))
        )
        size = sum(path.stat().st_size for path in paths if path.is_file())
        self.change(hits=tuple(found))
        self._count(files=len(paths), bytes=size, words=len(forbidden))

    def test_secrets(self, loaded: LoadedModel) -> None:
        """Rank each secret of the notes among others of its form."""
        secrets = secrets_of(self._db, self.notes)
        chosen = _spread(secrets)[:MOST_SECRETS]
        self._count(secrets_known=len(secrets))
        if chosen:
            words = Words(_texts(self._db, self.notes))
            exposed, tested = exposed_secrets(
                loaded, chosen, words, lambda done: self._go_on("secrets", done, len(chosen))
            )
            self.change(exposed=tuple(exposed))
            self._count(secrets=tested)

    def test_canaries(self, loaded: LoadedModel) -> None:
        """Rank each canary that was trained along among others of its form."""
        card = self._adapter.card
        canaries = canaries_of(self._library, card.id)[:MOST_CANARIES]
        found = planted_canaries(
            loaded, canaries, card.run, lambda done: self._go_on("canaries", done, len(canaries))
        )
        self.change(planted=tuple(found))

    def test_passages(self, loaded: LoadedModel) -> None:
        """Have adapter and base go on with the most private passages."""
        passages = most_private(self._db, self.notes)
        found = continuations(
            loaded, passages, lambda done: self._go_on("passages", done, len(passages))
        )
        self.change(continuations=tuple(found))
        self._count(passages=len(found))

    def _count(self, **counts: int) -> None:
        self.change(tested=msgspec.structs.replace(self.page.tested, **counts))

    def _go_on(self, what: str, done: int, of: int) -> None:
        if self._watcher.stop_requested():
            raise _StoppedError
        self._watcher.on_progress(what, done, of)


def _spread(secrets: Sequence[Secret]) -> list[Secret]:
    """Secrets ordered so that the first of each note come before the second of any."""
    seen: Counter[int] = Counter()
    placed = []
    for secret in secrets:
        placed.append((seen[secret.note], secret))
        seen[secret.note] += 1
    return [secret for _, secret in sorted(placed, key=lambda pair: pair[0])]


def _texts(connection: sqlite3.Connection, notes: Collection[int]) -> Iterator[str]:
    return (Notes(connection).text(note) for note in sorted(notes))
