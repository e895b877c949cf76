"""Bringing all files of a model on this machine into the job's folder, shared where that can be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from mlx_backend.adoption.source.folder_listing import LocalFile
from mlx_backend.adoption.source.origin import Origin
from mlx_backend.adoption.source.placing import Way, copy, share
from mlx_backend.adoption.source.stillness import require_unchanged
from mlx_backend.adoption.work import Work
from mlx_backend.files import sync_path, write_atomically
from mlx_backend.jobs.folder import JobFolder
from mlx_backend.models.hub.fetching import require_room
from mlx_backend.models.hub.meter import Meter
from mlx_backend.models.hub.wanted import is_weights

# The system gives the same error for both causes (link(2): EPERM).
_WHY_COPIED = (
    "They could not be shared: the library is on another disk, or the file system or the"
    " permissions of the files do not let them be."
)


class Gathered(msgspec.Struct, frozen=True):
    """How each file came into the job's folder; kept there, for a job that goes on."""

    ways: dict[str, Way] = {}

    @classmethod
    def of(cls, folder: JobFolder) -> Gathered:
        """What an earlier process of the job has noted."""
        try:
            return msgspec.json.decode(_noted(folder).read_bytes(), type=cls)
        except (OSError, UnicodeDecodeError, msgspec.DecodeError):
            return cls()

    @staticmethod
    def forget(folder: JobFolder) -> None:
        """Remove what was noted."""
        _noted(folder).unlink(missing_ok=True)

    def shared_bytes(self, origin: Origin) -> int:
        """Bytes that the model and the folder it came from have in common on the disk."""
        return sum(f.size for f in origin.files if self.ways.get(f.name) in ("cloned", "linked"))

    def copied_bytes(self, origin: Origin) -> int:
        """Bytes that are on the disk a second time now."""
        return sum(f.size for f in origin.files if self.ways.get(f.name) == "copied")

    def in_words(self, origin: Origin) -> str:
        """What was shared and what was copied; "" where the model stayed where it was."""
        shared, copied = self.shared_bytes(origin), self.copied_bytes(origin)
        if not shared and not copied:
            return ""
        if not copied:
            return (
                f"No second copy was made: {_size(shared)} are shared with {origin.folder}. Either"
                " can be removed without harm to the other; neither must be changed in place."
            )
        also = f"{_size(shared)} are shared; " if shared else ""
        return f"{also}{_size(copied)} were copied from {origin.folder}. {_WHY_COPIED}"


def gather(origin: Origin, work: Work, check_before_weights: Callable[[], object]) -> Gathered:
    """Bring in what is missing; `check_before_weights` is called once all but the weights is there.

    Raises Stopped; OvernightError where a file changes meanwhile or the disk has no room; OSError.
    """
    gathering = _Gathering(origin, work)
    weights = [file for file in origin.files if is_weights(file.name)]
    # Where some weights are there, an earlier process has checked what comes before.
    is_checked = any(placed_bytes(work.folder, file) for file in weights)
    for file in origin.files[: -len(weights)]:
        gathering.bring(file)
    if not is_checked:
        check_before_weights()
    for file in weights:
        gathering.bring(file)
    require_unchanged(origin.files)
    return Gathered.of(work.folder)


def placed_bytes(folder: JobFolder, file: LocalFile) -> int:
    """How many bytes of a file are in the job's folder."""
    for parent in ("model", "parts"):
        try:
            return min((folder.path / parent / file.name).stat().st_size, file.size)
        except OSError:
            continue
    return 0


class _Gathering:
    def __init__(self, origin: Origin, work: Work) -> None:
        self._work = work
        self._ways: dict[str, Way] = dict(Gathered.of(work.folder).ways)
        self._there = {file.name: placed_bytes(work.folder, file) for file in origin.files}
        self._size = origin.size
        self._meter = Meter(origin.size, work.journal.append)

    def bring(self, file: LocalFile) -> None:
        whole, part = self._work.model / file.name, self._work.parts / file.name
        self._work.stop_if_asked()
        if not whole.exists():
            source, fresh = Path(file.path), self._work.parts / f"{file.name}.shared"
            fresh.unlink(missing_ok=True)  # what a killed process left
            require_unchanged([file])
            way = None if part.exists() else share(source, fresh)
            if way is None:
                require_room(self._work.folder.path, self._size - sum(self._there.values()))
                copy(source, part, file.size, lambda done: self._tell(file, done))
                require_unchanged([file])
                self._note(file, "copied")
                part.replace(whole)
            else:
                self._note(file, way)
                fresh.replace(whole)
            sync_path(whole.parent)
        self._tell(file, file.size)

    def _note(self, file: LocalFile, way: Way) -> None:
        self._ways[file.name] = way
        write_atomically(_noted(self._work.folder), msgspec.json.encode(Gathered(self._ways)))

    def _tell(self, file: LocalFile, done: int) -> None:
        self._work.stop_if_asked()
        self._there[file.name] = done
        self._meter.show(sum(self._there.values()))


def _noted(folder: JobFolder) -> Path:
    return folder.path / "gathered.json"


def _size(amount: int) -> str:
    return f"{amount / 1e9:.1f} GB" if amount >= 1e9 else f"{amount / 1e6:.1f} MB"
