"""The import: what changed below the dropped paths becomes notes in the library."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from mlx_backend.curation import pending
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.importers.document import THE_REST, SkippedFile
from mlx_backend.importers.moves import has_content
from mlx_backend.importers.new_notes import TokenCounter, new_notes, part_path
from mlx_backend.importers.opening import UnopenedFile
from mlx_backend.importers.readers import READERS_VERSION
from mlx_backend.importers.sandbox import FileContent, Sandbox
from mlx_backend.importers.walk import FoundFile, check_source, count_files, find_files
from mlx_backend.library import database
from mlx_backend.library.home import Library
from mlx_backend.library.imports import FileStamp, Imports, ReadFile
from mlx_backend.library.notes import Notes
from mlx_backend.library.passage_index import refresh_index
from mlx_backend.locks import held

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_BATCH = 100
_MOST_TEXT = 4_000_000
_IMPORT_PATIENCE_S = 600.0

ProgressCall = Callable[[int, int, str], None]
"""Called with files done, files in all, and the path at hand."""


CurationCall = Callable[[int, int], None]
"""Called with notes looked at, of those that were read, and notes to look at."""


def _no_progress(done: int, total: int, path: str = "") -> None:
    """Nobody watches."""


@dataclass
class _Reading:
    """How far the files are read, and whether to go on."""

    on_progress: ProgressCall
    stop_requested: Callable[[], bool]
    total: int
    done: int = 0

    def begin(self, path: Path) -> bool:
        """Tell that this file is next. False where a stop is wanted, and it is not to be read."""
        if self.stop_requested():
            return False
        self.on_progress(self.done, max(self.total, self.done), str(path))
        self.done += 1
        return True


@dataclass
class ImportOutcome:
    """What an import did; `notes` are those of the library afterwards whose files are there.

    Of them, `left_out` are those that training does not use, and `restored` those that the person
    had deleted.
    """

    notes: int = 0
    left_out: int = 0
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    removed: int = 0
    restored: int = 0
    skipped: list[tuple[str, str]] = field(default_factory=list)
    stopped: bool = False

    def as_result(self) -> dict[str, object]:
        """The fields of `overnight import --json`."""
        return {
            "notes": self.notes,
            "left_out": self.left_out,
            "added": self.added,
            "changed": self.changed,
            "unchanged": self.unchanged,
            "removed": self.removed,
            "restored": self.restored,
            "skipped": [{"path": path, "reason": reason} for path, reason in self.skipped],
        }


def import_into(
    library: Library,
    paths: Iterable[Path],
    on_progress: ProgressCall = _no_progress,
    stop_requested: Callable[[], bool] = lambda: False,
    on_curation: CurationCall = _no_progress,
) -> ImportOutcome:
    """`import_paths` on a library, alone, and the curation of what it brought.

    A second import waits until the first is done. What a stop leaves uncurated is looked at by the
    next import, and before any training.
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
                refresh_index(connection)  # so that the first question need not wait for it
            _count(notes, outcome)
            return outcome


def _curate(notes: Notes, on_progress: CurationCall, stop_requested: Callable[[], bool]) -> bool:
    """Look also at what an earlier stop left; whether this was stopped."""
    if not pending.is_due(notes.connection):
        return False
    from mlx_backend.curation.curate import curate  # slow to import

    return curate(notes, on_progress, stop_requested).stopped


def _load_tokenizer(library: Library) -> Tokenizer:
    # Not before there is something to count: it takes longer than an import that finds nothing new.
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

    A note whose file is gone from an imported folder is kept and marked so, but not where the
    folder cannot be read; one whose file was renamed goes with it. What the person deleted stays
    deleted, unless its file alone is imported. A stop keeps what was read so far. Raises
    OvernightError when a path is missing, or when nothing at all is found.
    """
    chosen = {_normal(path) for path in paths}
    sources = _without_nested(chosen)
    for source in sources:
        check_source(source)
    # Walked twice: a list of all files would grow with the folder.
    total = sum(map(count_files, sources))
    if not total:
        raise OvernightError(
            ErrorKind.NO_NOTES,
            "There are no files in " + ", ".join(map(str, sources)) + ".",
            "Choose a folder with notes: text, documents, mails, exports.",
        )
    outcome = ImportOutcome()
    files = itertools.chain.from_iterable(map(find_files, sources))
    reading = _Reading(on_progress, stop_requested, total)
    imports = Imports(notes)
    if len(chosen) == 1:
        outcome.restored = imports.take_in_again(str(sources[0]))
    with Sandbox() as sandbox:
        run = _Import(imports, counter, sandbox, outcome)
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


class _Import:
    """The state of one import."""

    def __init__(
        self, imports: Imports, counter: TokenCounter, sandbox: Sandbox, outcome: ImportOutcome
    ) -> None:
        self._imports = imports
        self._counter = counter
        self._sandbox = sandbox
        self._outcome = outcome

    def read(self, files: Sequence[FoundFile], reading: _Reading) -> None:
        """Read those of a batch of files that are new or changed, and save what came of them."""
        known = self._imports.known([str(file.path) for file in files])
        self._imports.spare([str(file.path) for file in files if file.unlisted])
        read: list[_Read] = []
        size = 0
        for file in files:
            if not reading.begin(file.path):
                self._outcome.stopped = True
                break
            stamp = known.get(str(file.path))
            is_known = stamp is not None and not _is_newly_chosen(file, stamp)
            if stamp and is_known and not file.reason and _is_unchanged(file, stamp):
                self._outcome.unchanged += stamp.notes
                continue
            read.append(self._read(file, stamp))
            size += sum(len(document.text) for document in read[-1].content.documents)
            if size > _MOST_TEXT:
                self._save(read)
                read, size = [], 0
        self._save(read)

    def _read(self, file: FoundFile, known: FileStamp | None) -> _Read:
        # Of a file that was gone, parts may have been gone before.
        current = known is not None and known.readers == READERS_VERSION and not known.gone
        current = current and not _is_newly_chosen(file, known)
        # A file that gave notes before was chosen once.
        chosen = file.path == file.source or bool(known and known.notes)
        try:
            if file.reason:
                raise UnopenedFile(file.reason)
            known_sha256 = known.sha256 if known and current else ""
            content = self._sandbox.read(file.source, file.path, known_sha256, chosen)
            return _Read(file, known, content)
        except SkippedFile as skipped:
            opened = not isinstance(skipped, UnopenedFile)
            return _Read(file, known, FileContent(), str(skipped), opened)

    def _save(self, read: Sequence[_Read]) -> None:
        if not read:
            return
        documents = [document for each in read for document in each.content.documents]
        tokens = iter(self._counter.count([document.text for document in documents]))
        counts = self._imports.save([self._read_file(each, tokens) for each in read], has_content)
        self._outcome.added += counts.added
        self._outcome.changed += counts.changed
        self._outcome.unchanged += counts.unchanged
        self._outcome.removed += counts.removed

    def _read_file(self, read: _Read, tokens: Iterator[int]) -> ReadFile:
        file, content = read.file, read.content
        path = str(file.path)
        stamp = FileStamp(
            path=path,
            source=str(file.source),
            size=file.size,
            mtime_ns=file.mtime_ns,
            sha256=content.sha256,
            readers=READERS_VERSION,
            notes=read.known.notes if read.known else 0,
        )
        if content.same:
            return ReadFile(stamp)
        if read.reason:
            return ReadFile(stamp, None, ((path, read.reason),), opened=read.opened)
        return ReadFile(
            stamp,
            tuple(new_notes(file, content, tokens)),
            tuple((part_path(path, part.part), part.reason) for part in content.skipped),
            # Of a file in an archive, its own path stands before.
            whole=not any(part.part.endswith(THE_REST) for part in content.skipped),
        )


@dataclass(frozen=True)
class _Read:
    """A file, what was known of it, and what reading it gave, or why nothing."""

    file: FoundFile
    known: FileStamp | None
    content: FileContent
    reason: str = ""
    opened: bool = True


def _is_newly_chosen(file: FoundFile, stamp: FileStamp | None) -> bool:
    """Whether a file of which nothing was read, maybe for its name, is now wanted itself."""
    return stamp is not None and not stamp.notes and file.path == file.source


def _is_unchanged(file: FoundFile, stamp: FileStamp) -> bool:
    return (stamp.size, stamp.mtime_ns, stamp.gone, stamp.readers) == (
        file.size,
        file.mtime_ns,
        False,
        READERS_VERSION,
    )


def _normal(path: Path) -> Path:
    """One spelling of a path: with `..` in it, the same file would be two notes."""
    return Path(os.path.normpath(path.expanduser().absolute()))


def _without_nested(paths: Iterable[Path]) -> list[Path]:
    chosen = sorted(set(paths))
    return [p for p in chosen if not any(other in p.parents for other in chosen)]
