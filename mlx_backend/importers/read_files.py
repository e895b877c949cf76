"""Reading files a batch at a time, and saving the notes that they give."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mlx_backend.importers.document import THE_REST, SkippedFile
from mlx_backend.importers.moves import has_content
from mlx_backend.importers.new_notes import TokenCounter, new_notes, part_path
from mlx_backend.importers.opening import UnopenedFile
from mlx_backend.importers.readers import READERS_VERSION
from mlx_backend.importers.sandbox import FileContent, Sandbox
from mlx_backend.importers.walk import FoundFile
from mlx_backend.library.imports import FileStamp, ImportRecords, ReadFile

_MOST_TEXT = 4_000_000  # characters that are held before they are saved

ProgressCall = Callable[[int, int, str], None]
"""Called with the number of files done, the number of all files, and the path of the next one."""


@dataclass
class ReadingProgress:
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


class BatchReader:
    """Reads files in batches and saves what they gave, for one import."""

    def __init__(
        self,
        imports: ImportRecords,
        counter: TokenCounter,
        sandbox: Sandbox,
        outcome: ImportOutcome,
    ) -> None:
        self._imports = imports
        self._counter = counter
        self._sandbox = sandbox
        self._outcome = outcome

    def read(self, files: Sequence[FoundFile], progress: ReadingProgress) -> None:
        """Read the new and changed files of a batch, and save their notes."""
        known = self._imports.known([str(file.path) for file in files])
        self._imports.spare([str(file.path) for file in files if file.unlisted])
        read: list[_Read] = []
        size = 0
        for file in files:
            if not progress.begin(file.path):
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
