"""Adapters that are not trained: received from others, and merged from several."""

from __future__ import annotations

import functools
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, QSettings, Signal

from app.jobs.snapshot import JobSnapshot
from app.jobs.watcher import JobWatcher
from app.library.background import Background
from mlx_backend.catalogue.repository_names import NEWEST
from mlx_backend.errors import OvernightError
from mlx_backend.jobs import JobState
from mlx_backend.library import Library
from mlx_backend.library.adapter_names import nearest_name, same_among, shortened
from mlx_backend.library.adapters import Adapter
from mlx_backend.protocol import MergeSpec, ReceiveSpec, TrainSpec, WeightedAdapter
from mlx_backend.protocol.merge_words import better_rank

_SUFFIXES = (".overnight", ".zip")
_UNNAMED = "Received"
_READ = "received/read"  # a group of the window's state: whose warnings were read


class NewAdapters(QObject):
    """Receives adapters, one after another, and merges those that are there."""

    changed = Signal()
    """`current` or `failed` has news."""

    made = Signal(str)
    """The adapter of this name is in the library now."""

    def __init__(
        self,
        library: Library,
        watcher: JobWatcher,
        background: Background,
        state: QSettings,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._library = library
        self._watcher = watcher
        self._background = background
        self._state = state
        self._waiting: list[str] = []
        self._naming: str | None = None
        self._starting: str | None = None
        self._failed: JobSnapshot | None = None
        watcher.job_changed.connect(self._take_change)
        watcher.job_ended.connect(self._take_end)
        watcher.start_failed.connect(self._take_start_failure)

    @property
    def current(self) -> JobSnapshot | None:
        """What is being received or merged now."""
        return next((job for job in self._watcher.active() if makes_adapter(job)), None)

    @property
    def is_busy(self) -> bool:
        """Whether an adapter is being made, or is about to."""
        is_beginning = self._naming is not None or self._starting is not None
        return is_beginning or self.current is not None

    @property
    def failed(self) -> JobSnapshot | None:
        """The last that came to nothing, until that is dismissed or something else begins."""
        return self._failed

    def receive(self, sources: Iterable[Path]) -> None:
        """Take in the adapters at these paths as soon as possible, named after their files."""
        self._waiting += map(str, sources)
        self._start_next()

    def receive_repository(self, repository: str, revision: str = NEWEST) -> None:
        """Take in the adapter in a repository of the Hub (OWNER/NAME), named after it."""
        self._waiting.append(repository if revision == NEWEST else f"{repository}@{revision}")
        self._start_next()

    def receive_again(self) -> None:
        """Try again to receive what failed last."""
        if self._failed is not None and isinstance(self._failed.spec, ReceiveSpec):
            self._waiting.append(self._failed.spec.source)
            self._start_next()

    def merge(self, name: str, parts: Sequence[WeightedAdapter], rank: int = 0) -> None:
        """Make one adapter called `name` of several, in this rank; 0: exactly."""
        self._begin(MergeSpec(name=name, parts=tuple(parts), rank=rank))

    def cancel(self) -> None:
        """End the present one and forget what waits; nothing half-made stays."""
        self._waiting.clear()
        if self.current is not None:
            self._watcher.stop(self.current.id)

    def dismiss(self) -> None:
        """Somebody has read why the last one came to nothing."""
        self._failed = None
        self.changed.emit()

    def flush(self) -> None:
        """Start what still waits, because the window closes."""
        sources = [self._naming] if self._naming is not None else []
        sources += self._waiting
        self._naming = None
        self._waiting.clear()
        named: set[str] = set()
        for source in sources:
            name = _free_name(self._library, source, self._taken() | named)
            named.add(name)
            self._watcher.start(ReceiveSpec(source=source, name=name))

    # --- what was said of it ---

    def warnings(self, adapter: Adapter) -> tuple[str, ...]:
        """What was said of an adapter when it was made, until somebody has read it."""
        job = self._making(adapter)
        if job is None or self._state.contains(f"{_READ}/{job.id}"):
            return ()
        if isinstance(job.spec, MergeSpec):
            return tuple(filter(None, (better_rank(job.status.result),)))
        found = job.status.result.get("warnings")
        return tuple(map(str, found)) if isinstance(found, list) else ()

    def mark_read(self, adapter: Adapter) -> None:
        """The warnings of an adapter need not be said again."""
        job = self._making(adapter)
        if job is not None:
            self._state.setValue(f"{_READ}/{job.id}", True)
            self.changed.emit()

    def _making(self, adapter: Adapter) -> JobSnapshot | None:
        """The job that made it; by the time, because its name may have changed since."""
        origin, card = adapter.card.origin, adapter.card
        kind = ReceiveSpec if origin is not None else MergeSpec
        if origin is None and (len(card.parents) < 2 or not card.lost):
            return None
        at = card.created if origin is None else origin.received
        for job in self._watcher.jobs():
            is_it = isinstance(job.spec, kind) and job.state is JobState.FINISHED
            if is_it and job.began_at <= at <= job.latest_at:
                return job
        return None

    # --- one after another ---

    def _start_next(self) -> None:
        if self._waiting and not self.is_busy:
            self._naming = source = self._waiting.pop(0)
            self._failed = None
            self._background.call(
                functools.partial(_named, self._library, source, self._taken()),
                functools.partial(self._receive, source),
                self._take_no_name,
            )
        self.changed.emit()

    def _receive(self, source: str, name: str) -> None:
        self._naming = None
        self._begin(ReceiveSpec(source=source, name=name))

    def _take_no_name(self, error: OvernightError) -> None:
        self._naming = None
        self._background.failed.emit(error)
        self._start_next()

    def _begin(self, spec: ReceiveSpec | MergeSpec) -> None:
        self._failed = None
        self._starting = self._watcher.start(spec)
        self.changed.emit()

    def _taken(self) -> frozenset[str]:
        """Names that jobs are about to give."""
        kinds = (ReceiveSpec, MergeSpec, TrainSpec)
        specs = (job.spec for job in self._watcher.active())
        return frozenset(spec.name for spec in specs if isinstance(spec, kinds))

    def _take_change(self, job_id: str) -> None:
        job = self._watcher.snapshot(job_id)
        if job_id == self._starting:
            self._starting = None
        if job is not None and makes_adapter(job):
            self.changed.emit()

    def _take_end(self, job_id: str) -> None:
        job = self._watcher.snapshot(job_id)
        if job is None or not makes_adapter(job):
            return
        if job.state is JobState.FINISHED:
            self.made.emit(str(job.status.result.get("adapter", "")))
        elif job.state is not JobState.STOPPED:
            self._failed = job
        self._start_next()

    def _take_start_failure(self, job_id: str, _: OvernightError) -> None:
        # The window says what went wrong.
        if job_id == self._starting:
            self._starting = None
            self._start_next()


def makes_adapter(job: JobSnapshot) -> bool:
    """Whether a job receives an adapter, or merges some."""
    return isinstance(job.spec, ReceiveSpec | MergeSpec)


def repository_in(job: JobSnapshot) -> str:
    """The repository of the Hub, with its revision, that a job receives from; "" for others."""
    spec = job.spec
    is_one = isinstance(spec, ReceiveSpec) and not Path(spec.source).is_absolute()
    return spec.source if isinstance(spec, ReceiveSpec) and is_one else ""


def wants_token(job: JobSnapshot) -> bool:
    """Whether receiving failed where an access token of the Hub may help."""
    error = job.status.error
    has_failed = job.state is JobState.FAILED and bool(repository_in(job))
    return has_failed and error is not None and error.wants_token


def name_after(source: str) -> str:
    """The name for an adapter that its file, folder or repository suggests."""
    path = Path(source if source.startswith("/") else source.partition("@")[0])
    is_packed = path.suffix.lower() in _SUFFIXES
    return nearest_name(path.stem if is_packed else path.name, _UNNAMED)


def _named(library: Library, source: str, taken: frozenset[str], _: sqlite3.Connection) -> str:
    return _free_name(library, source, taken)


def _free_name(library: Library, source: str, taken: Iterable[str]) -> str:
    """The first free name after `source`, with a number where it is taken."""
    folder = library.adapters
    there = folder.iterdir() if folder.is_dir() else ()
    used = [*taken, *(path.name for path in there)]
    wanted = name = name_after(source)
    number = 1
    while same_among(name, used) is not None:
        number += 1
        name = shortened(wanted, f" {number}")
    return name
