"""The import: files and folders become notes in the library; only what changed is read."""

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
"""Called with the number of files done, the number of all files, and the path of the next one."""


CurationCall = Callable[[int, int], None]
"""Called with the number of notes curated and the number of notes to curate."""


def _no_progress(done: int, total: int, path: str = "") -> None:
    """A progress call that does nothing."""


@dataclass
class _Reading:
    """How many files are read, and whether to continue."""

    on_progress: ProgressCall
    stop_requested: Callable[[], bool]
    total: int
    done: int = 0

    def begin(self, path: Path) -> bool:
        """Report that `path` is next. Returns False, so do not read it, if a stop was requested."""
        if self.stop_requested():
            return False
        self.on_progress(self.done, max(self.total, self.done), str(path))
        self.done += 1
        return True


@dataclass
class ImportOutcome:
    """The result of an import, in numbers of notes.

    `notes` counts all notes of the library whose file exists, `left_out` those of them that
    training does not use, and `restored` those that the person had deleted. `skipped` are (path,
    reason).
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
        """The result as `overnight import --json` prints it."""
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
    """Reads files in batches and saves what they gave, for one import."""

    def __init__(
        self, imports: Imports, counter: TokenCounter, sandbox: Sandbox, outcome: ImportOutcome
    ) -> None:
        self._imports = imports
        self._counter = counter
        self._sandbox = sandbox
        self._outcome = outcome

    def read(self, files: Sequence[FoundFile], reading: _Reading) -> None:
        """Read the new and changed files of a batch, and save their notes."""
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
        # A file that was gone is read again, because some of its parts may have been gone before.
        current = known is not None and known.readers == READERS_VERSION and not known.gone
        current = current and not _is_newly_chosen(file, known)
        # A file that gave notes earlier was chosen by the person then.
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
            # In an archive, the path of the member comes before THE_REST.
            whole=not any(part.part.endswith(THE_REST) for part in content.skipped),
        )


@dataclass(frozen=True)
class _Read:
    """A file, its stamp in the library, and its content, or the reason why it was not read."""

    file: FoundFile
    known: FileStamp | None
    content: FileContent
    reason: str = ""
    opened: bool = True


def _is_newly_chosen(file: FoundFile, stamp: FileStamp | None) -> bool:
    """Whether a file that gave no notes, perhaps because of its name, is now chosen by itself."""
    return stamp is not None and not stamp.notes and file.path == file.source


def _is_unchanged(file: FoundFile, stamp: FileStamp) -> bool:
    return (stamp.size, stamp.mtime_ns, stamp.gone, stamp.readers) == (
        file.size,
        file.mtime_ns,
        False,
        READERS_VERSION,
    )


def _normal(path: Path) -> Path:
    """An absolute path without `..`, so that one file does not become two notes."""
    return Path(os.path.normpath(path.expanduser().absolute()))


def _without_nested(paths: Iterable[Path]) -> list[Path]:
    chosen = sorted(set(paths))
    return [p for p in chosen if not any(other in p.parents for other in chosen)]
