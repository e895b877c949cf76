"""The job that downloads a base model: all it fetches lies in the job's folder until it is whole.

`repository.json` there freezes what the Hub said, so that a download that goes on fetches the rest
of the same commit; `parts` holds what has come of files, `model` the files that are whole and
checked. When all are, that folder is moved into the library's models at once.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from mlx_backend import protocol
from mlx_backend.catalogue.licences import licence_notice
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.files import (
    remove_tree,
    sha256_of_file,
    sync_path,
    write_atomically,
    write_folder_atomically,
)
from mlx_backend.jobs.folder import JobFolder
from mlx_backend.jobs.journal import Journal
from mlx_backend.library.home import Library
from mlx_backend.library.models import CARD, BaseModel, ModelCard, free_model_name, read_model
from mlx_backend.locks import held
from mlx_backend.models.hub.acceptance import check_before_weights, check_whole
from mlx_backend.models.hub.access import Access
from mlx_backend.models.hub.meter import Meter
from mlx_backend.models.hub.repository import RemoteFile, Repository, look_up
from mlx_backend.models.hub.transfer import Place, Stopped, Transfer, Watch, open_client
from mlx_backend.models.hub.wanted import NoModel, is_weights, wanted_files

RESERVE = 1 << 30
"""Bytes of the disk that a download leaves free."""

_FILING_PATIENCE_S = 60.0


def download(
    library: Library,
    folder: JobFolder,
    spec: protocol.DownloadSpec,
    stop_requested: Callable[[], bool],
) -> dict[str, object] | None:
    """Download a base model into the library, or go on with it; None when it was stopped.

    Returns the fields of the command's --json. Raises OvernightError where the Hub or the network
    refuses, and where the repository is no model that can be used: then nothing of it is kept.
    """
    journal = Journal(folder)
    try:
        return _Download(library, folder, spec, journal, stop_requested).run()
    except Stopped:
        return None
    except NoModel:
        discard(folder)
        raise
    finally:
        journal.close()


def discard(folder: JobFolder) -> None:
    """Remove what a download has fetched so far."""
    for part in (_parts(folder), _model(folder)):
        if part.exists():
            remove_tree(part)


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


def result_of(model: BaseModel) -> dict[str, object]:
    """What `overnight download --json` gives of a model that is in the library."""
    return {
        "model": model.card.name,
        "bytes": model.bytes,
        "licence": model.card.licence,
        "path": str(model.path),
        "source": model.card.source,
        "parameters": model.card.parameters,
        "fits": model.fits,
    }


def require_room(path: Path, needed: int) -> None:
    """Raise OvernightError unless the disk has room for so many bytes more."""
    free = shutil.disk_usage(path).free
    if free < needed + RESERVE:
        short = needed + RESERVE - free
        raise OvernightError(
            ErrorKind.DISK_FULL,
            f"The disk has no room for this model: {short / 1e9:.1f} GB are missing.",
            f"{needed / 1e9:.1f} GB are still to be downloaded, and 1 GB stays free. Make room,"
            " then go on; what is there already is kept.",
        )


class _Download:
    def __init__(
        self,
        library: Library,
        folder: JobFolder,
        spec: protocol.DownloadSpec,
        journal: Journal,
        stop_requested: Callable[[], bool],
    ) -> None:
        self._library = library
        self._folder = folder
        self._spec = spec
        self._journal = journal
        self._stop_requested = stop_requested
        self._access = Access.from_environment()

    def run(self) -> dict[str, object]:
        repository = repository_of(self._folder) or self._look_up()
        filed = self._filed_before(repository)
        if filed is None:
            self._fetch_all(repository)
            self._journal.append(protocol.StageBegan(stage="checking"))
            filed = self._file(self._card(repository))
        discard(self._folder)
        return result_of(filed)

    def _look_up(self) -> Repository:
        self._journal.append(protocol.StageBegan(stage="looking up"))
        repository = look_up(self._spec.repo, self._spec.revision, self._access)
        wanted_files(repository)  # what is no model is not frozen
        if notice := licence_notice(repository.licence, repository.name):
            self._journal.append(protocol.Notice(text=notice))
        write_atomically(_frozen(self._folder), msgspec.json.encode(repository))
        return repository

    def _fetch_all(self, repository: Repository) -> None:
        files = wanted_files(repository)
        for parent in (_parts(self._folder), _model(self._folder)):
            parent.mkdir(exist_ok=True)
        missing = sum(f.size - _place(self._folder, f).bytes_there(f) for f in files)
        require_room(self._folder.path, missing)
        self._journal.append(protocol.StageBegan(stage="downloading"))
        weights = [file for file in files if is_weights(file.path)]
        with self._transfer(repository, files) as transfer:
            for file in files:
                # Where some weights are there, an earlier process has checked what comes before.
                is_first = file is weights[0]
                if is_first and not any(_place(self._folder, f).bytes_there(f) for f in weights):
                    names = [each.path for each in weights]
                    check_before_weights(repository.name, _model(self._folder), names)
                transfer.fetch(file, _place(self._folder, file))

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

    def _card(self, repository: Repository) -> ModelCard:
        folder = _model(self._folder)
        return ModelCard(
            name=self._spec.name or repository.name.rpartition("/")[2],
            title=repository.name.rpartition("/")[2],
            licence=repository.licence or "not stated",
            source=repository.source,
            parameters=check_whole(repository.name, folder),
            sha256=_digest_of_weights(repository, folder),
        )

    def _file(self, card: ModelCard) -> BaseModel:
        """Move the model into the library, under a name that is free."""
        with held(self._library.models / ".names.lock", _FILING_PATIENCE_S):
            name = free_model_name(self._library.models, card.name)
            model = _model(self._folder)
            card = msgspec.structs.replace(card, name=name)
            write_atomically(model / CARD, msgspec.json.encode(card))
            write_atomically(_filed(self._folder), msgspec.json.encode(name))
            _move(model, self._library.models / name)
        return read_model(self._library.models, name)

    def _filed_before(self, repository: Repository) -> BaseModel | None:
        """The model, where the process was killed after it had filed it."""
        try:
            name = msgspec.json.decode(_filed(self._folder).read_bytes(), type=str)
            model = read_model(self._library.models, name)
        except (OSError, msgspec.DecodeError, OvernightError):
            return None
        is_it = (
            model.card.source == repository.source and not (_model(self._folder) / CARD).exists()
        )
        return model if is_it else None


def _move(folder: Path, to: Path) -> None:
    try:
        folder.rename(to)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        # The models are on another disk than the jobs.
        write_folder_atomically(to, lambda beside: _copy_into(folder, beside))
        remove_tree(folder)
    sync_path(to.parent)


def _copy_into(folder: Path, to: Path) -> None:
    for path in folder.iterdir():
        shutil.copyfile(path, to / path.name)


def _digest_of_weights(repository: Repository, folder: Path) -> str:
    """The SHA-256 of the only weight file; of several, that of the list of theirs."""
    digests = {
        file.path: file.sha256 or sha256_of_file(folder / file.path)
        for file in wanted_files(repository)
        if is_weights(file.path)
    }
    if len(digests) == 1:
        return next(iter(digests.values()))
    listed = "".join(f"{digest}  {name}\n" for name, digest in sorted(digests.items()))
    return hashlib.sha256(listed.encode()).hexdigest()


def _place(folder: JobFolder, file: RemoteFile) -> Place:
    return Place(_parts(folder) / file.path, _model(folder) / file.path)


def _parts(folder: JobFolder) -> Path:
    return folder.path / "parts"


def _model(folder: JobFolder) -> Path:
    return folder.path / "model"


def _frozen(folder: JobFolder) -> Path:
    return folder.path / "repository.json"


def _filed(folder: JobFolder) -> Path:
    return folder.path / "filed.json"
