"""The job that downloads a base model: all of it lies in the job's folder until it is whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mlx_backend import protocol
from mlx_backend.adoption.checks.acceptance import check_before_weights
from mlx_backend.adoption.filing import filed_before
from mlx_backend.adoption.taking_in import (
    Candidate,
    is_changed,
    result_of,
    take_in,
    try_small,
)
from mlx_backend.adoption.work import Work
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.jobs.folder import JobFolder
from mlx_backend.jobs.journal import Journal
from mlx_backend.library.home import Library
from mlx_backend.library.models import BaseModel
from mlx_backend.models.hub.fetching import Fetching
from mlx_backend.models.hub.repository import Repository
from mlx_backend.models.hub.transfer import Stopped
from mlx_backend.models.hub.wanted import is_weights, wanted_files


def download(
    library: Library,
    folder: JobFolder,
    spec: protocol.DownloadSpec,
    stop_requested: Callable[[], bool],
) -> dict[str, object] | None:
    """Download a base model into the library, or go on with it; None when it was stopped.

    Returns the fields of the command's --json. Raises OvernightError where the Hub or the network
    refuses; where the repository is no model that can be used (BAD_INPUT), nothing of it is kept.
    """
    work = Work(library, folder, Journal(folder), stop_requested)
    try:
        return result_of(_downloaded(work, spec))
    except Stopped:
        return None
    except OvernightError as error:
        if error.kind is ErrorKind.BAD_INPUT:  # trying again changes nothing
            work.discard()
        raise
    finally:
        work.journal.close()


def _downloaded(work: Work, spec: protocol.DownloadSpec) -> BaseModel:
    work.settle()
    fetching = Fetching(work.folder, work.journal, work.stop_requested)
    repository = fetching.repository(spec.repo, spec.revision)
    filed = filed_before(work, work.model, repository.source)
    if filed is None and not is_changed(work):
        work.prepare()
        fetching.fetch_all(repository, lambda names: _check_small(work, repository.name, names))
    if filed is None:
        filed = take_in(_candidate(work, repository, spec), work)
    work.discard()
    return filed


def _check_small(work: Work, name: str, weights: Sequence[str]) -> None:
    check_before_weights(name, work.model, weights)
    try_small(work, name, work.model)


def _candidate(work: Work, repository: Repository, spec: protocol.DownloadSpec) -> Candidate:
    title = repository.name.rpartition("/")[2]
    return Candidate(
        folder=work.model,
        title=title,
        source=repository.source,
        licence=repository.licence,
        name=spec.name,
        bits=spec.bits,
        digests={
            file.path: file.sha256
            for file in wanted_files(repository)
            if is_weights(file.path) and file.sha256
        },
    )
