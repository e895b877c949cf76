"""The import: files and folders become notes in the library; only what changed is read."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from mlx_backend.curation import pending
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.importers.new_notes import TokenCounter
from mlx_backend.importers.read_files import (
    BatchReader,
    ImportOutcome,
    ProgressCall,
    ReadingProgress,
)
from mlx_backend.importers.sandbox import Sandbox
from mlx_backend.importers.walk import check_source, count_files, find_files
from mlx_backend.library import database
from mlx_backend.library.home import Library
from mlx_backend.library.imports import ImportRecords
from mlx_backend.library.notes import Notes
from mlx_backend.library.passage_index import refresh_index
from mlx_backend.locks import held

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_BATCH = 100
_IMPORT_PATIENCE_S = 600.0


CurationCall = Callable[[int, int], None]
"""Called with the number of notes curated and the number of notes to curate."""


def _no_progress(done: int, total: int, path: str = "") -> None:
    """A progress call that does nothing."""


def import_into(
    library: Library,
    paths: Iterable[Path],
    on_progress: ProgressCall = _no_progress,
    stop_requested: Callable[[], bool] = lambda: False,
    on_curation: CurationCall = _no_progress,
) -> ImportOutcome:
    """Import files and folders into a library, then curate and index the new notes.

    A second import waits up to ten minutes for the first; then it raises OvernightError. Notes that
    a stop leaves uncurated are curated by the next import, or before the next training.
    Raises OvernightError as `import_paths` does.
    """
    with held(library.import_lock, _IMPORT_PATIENCE_S) as alone:
        if not alone:
            raise OvernightError(
                ErrorKind.BUSY,
                "Another import is still running.",
                "Wait until it is done, then try again.",
            )
        counter = TokenCounter(lambda: _load_tokenizer(library))
        with database.opened(library.database) as connection:
            notes = Notes(connection)
            outcome = import_paths(notes, counter, paths, on_progress, stop_requested)
            outcome.stopped |= _curate(notes, on_curation, stop_requested)
            if not outcome.stopped:
                refresh_index(connection)  # so that the first question does not have to wait for it
            _count(notes, outcome)
            return outcome


def _curate(notes: Notes, on_progress: CurationCall, stop_requested: Callable[[], bool]) -> bool:
    """Curate all notes that are due, also those an earlier stop left; returns True if stopped."""
    if not pending.is_due(notes.connection):
        return False
    from mlx_backend.curation.curate import curate  # slow to import

    return curate(notes, on_progress, stop_requested).stopped


def _load_tokenizer(library: Library) -> Tokenizer:
    # Only when there is something to count: loading takes longer than an import without changes.
    from mlx_backend.importers.plain_tokenizer import load_plain_tokenizer

    return load_plain_tokenizer(library)


def import_paths(
    notes: Notes,
    counter: TokenCounter,
    paths: Iterable[Path],
    on_progress: ProgressCall = _no_progress,
    stop_requested: Callable[[], bool] = lambda: False,
) -> ImportOutcome:
    """Bring the library up to date with files and folders; only what changed is read.

    A note whose file is gone is kept and marked as gone, unless its folder could not be read. A
    note whose file was moved or renamed moves along. Notes that the person deleted stay deleted,
    unless their file is imported by itself. A stop keeps what was read so far. Raises
    OvernightError when a path does not exist, or when there are no files at all.
    """
    chosen = {_normal(path) for path in paths}
    sources = _without_nested(chosen)
    for source in sources:
        check_source(source)
    # The folders are walked twice, because a list of all files could grow large.
    total = sum(map(count_files, sources))
    if not total:
        raise OvernightError(
            ErrorKind.NO_NOTES,
            "There are no files in " + ", ".join(map(str, sources)) + ".",
            "Choose a folder with notes: text, documents, mails, exports.",
        )
    outcome = ImportOutcome()
    files = itertools.chain.from_iterable(map(find_files, sources))
    reading = ReadingProgress(on_progress, stop_requested, total)
    imports = ImportRecords(notes)
    if len(chosen) == 1:
        outcome.restored = imports.take_in_again(str(sources[0]))
    with Sandbox() as sandbox:
        run = BatchReader(imports, counter, sandbox, outcome)
        while not outcome.stopped and (batch := list(itertools.islice(files, _BATCH))):
            run.read(batch, reading)
    names = [str(source) for source in sources]
    if not outcome.stopped:
        on_progress(reading.done, reading.done, "")
        outcome.removed += imports.notice_gone(names)
    outcome.skipped = [skipped for name in names for skipped in imports.skipped_below(name)]
    _count(notes, outcome)
    return outcome


def _count(notes: Notes, outcome: ImportOutcome) -> None:
    outcome.notes = notes.present()
    outcome.left_out = outcome.notes - notes.totals().notes


def _normal(path: Path) -> Path:
    """An absolute path without `..`, so that one file does not become two notes."""
    return Path(os.path.normpath(path.expanduser().absolute()))


def _without_nested(paths: Iterable[Path]) -> list[Path]:
    chosen = sorted(set(paths))
    return [p for p in chosen if not any(other in p.parents for other in chosen)]
