"""Fetching all files of one repository into a job's folder, and going on with that.

`repository.json` there freezes what the Hub said, so that a download that goes on fetches the rest
of the same commit; `parts` holds what has come of files, `model` the files that are whole and
checked.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from mlx_backend import protocol
from mlx_backend.catalogue.licences import licence_notice
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.files import write_atomically
from mlx_backend.jobs.folder import JobFolder
from mlx_backend.jobs.journal import Journal
from mlx_backend.models.hub.access import Access
from mlx_backend.models.hub.meter import Meter
from mlx_backend.models.hub.repository import RemoteFile, Repository, look_up
from mlx_backend.models.hub.transfer import Place, Transfer, Watch, open_client
from mlx_backend.models.hub.wanted import is_weights, wanted_files

RESERVE = 1 << 30
"""Bytes of the disk that a download leaves free."""


def repository_of(folder: JobFolder) -> Repository | None:
    """What the Hub said when a download began; None before that."""
    try:
        return msgspec.json.decode(_frozen(folder).read_bytes(), type=Repository)
    except (OSError, UnicodeDecodeError, msgspec.DecodeError):
        return None


def amount_fetched(folder: JobFolder) -> tuple[int, int]:
    """How many bytes of a download are there, and how many it has in all; 0 where not known."""
    repository = repository_of(folder)
    if repository is None:
        return 0, 0
    try:
        files = wanted_files(repository)
    except OvernightError:  # an earlier version began it, and wanted what this one refuses
        return 0, 0
    there = sum(_place(folder, file).bytes_there(file) for file in files)
    return there, sum(file.size for file in files)


def require_room(path: Path, needed: int) -> None:
    """Raise OvernightError unless the disk has room for so many bytes more."""
    free = shutil.disk_usage(path).free
    if free < needed + RESERVE:
        short = needed + RESERVE - free
        raise OvernightError(
            ErrorKind.DISK_FULL,
            f"The disk has no room for this model: {short / 1e9:.1f} GB are missing.",
            f"{needed / 1e9:.1f} GB are still to come, and 1 GB stays free. Make room, then go on;"
            " what is there already is kept.",
        )


class Fetching:
    """The files of one repository, which come into a job's folder.

    The events go to the journal. Raises Stopped when a stop was asked for, OvernightError where the
    Hub or the network refuses.
    """

    def __init__(
        self, folder: JobFolder, journal: Journal, stop_requested: Callable[[], bool]
    ) -> None:
        self._folder = folder
        self._journal = journal
        self._stop_requested = stop_requested
        self._access = Access.from_environment()

    def repository(self, name: str, revision: str) -> Repository:
        """What the Hub said of the repository when this began; asked now, at the beginning."""
        return repository_of(self._folder) or self._look_up(name, revision)

    def fetch_all(
        self, repository: Repository, check_before_weights: Callable[[Sequence[str]], object]
    ) -> None:
        """Fetch what is missing.

        `check_before_weights` is called with the names of the weight files once all else is there,
        and raises an error where they are not worth fetching.
        """
        files = wanted_files(repository)
        missing = sum(f.size - _place(self._folder, f).bytes_there(f) for f in files)
        require_room(self._folder.path, missing)
        self._journal.append(protocol.StageBegan(stage="downloading"))
        weights = [file for file in files if is_weights(file.path)]
        with self._transfer(repository, files) as transfer:
            for file in files:
                # Where some weights are there, an earlier process has checked what comes before.
                is_first = file is weights[0]
                if is_first and not any(_place(self._folder, f).bytes_there(f) for f in weights):
                    check_before_weights([each.path for each in weights])
                transfer.fetch(file, _place(self._folder, file))

    def _look_up(self, name: str, revision: str) -> Repository:
        self._journal.append(protocol.StageBegan(stage="looking up"))
        repository = look_up(name, revision, self._access)
        wanted_files(repository)  # what is no model is not frozen
        if notice := licence_notice(repository.licence, repository.name):
            self._journal.append(protocol.Notice(text=notice))
        write_atomically(_frozen(self._folder), msgspec.json.encode(repository))
        return repository

    @contextlib.contextmanager
    def _transfer(self, repository: Repository, files: list[RemoteFile]) -> Iterator[Transfer]:
        there = {file.path: _place(self._folder, file).bytes_there(file) for file in files}
        meter = Meter(sum(file.size for file in files), self._journal.append)

        def on_bytes(file: RemoteFile, done: int) -> None:
            there[file.path] = done
            meter.show(sum(there.values()))

        def on_wait(seconds: float, why: OvernightError) -> None:
            text = f"{why.message.rstrip('.')}; trying again in {seconds:.0f} s"
            meter.show_wait(sum(there.values()), text)

        watch = Watch(self._stop_requested, on_bytes, on_wait)
        with open_client() as client:
            yield Transfer(client, self._access, repository, watch)


def _place(folder: JobFolder, file: RemoteFile) -> Place:
    return Place(folder.path / "parts" / file.path, folder.path / "model" / file.path)


def _frozen(folder: JobFolder) -> Path:
    return folder.path / "repository.json"
