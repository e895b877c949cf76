"""An adapter in a repository of the Hub: its two files are fetched, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from mlx_backend.catalogue.repository_names import ADAPTER, is_address, repository_of
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.models.hub.access import Access
from mlx_backend.models.hub.meter import Meter
from mlx_backend.models.hub.refusals import KEPT
from mlx_backend.models.hub.repository import RemoteFile, Repository, look_up
from mlx_backend.models.hub.transfer import Place, Stopped, Transfer, Watch, open_client
from mlx_backend.protocol import Progress
from mlx_backend.receiving.arrival import (
    CONFIG,
    WEIGHTS_OF,
    Arrival,
    check_sizes,
    form_among,
    nothing_in,
)
from mlx_backend.training.stop_requests import StoppedEarly

_NOTHING_KEPT = (ErrorKind.OFFLINE, ErrorKind.BUSY)


def is_repository(text: str) -> bool:
    """Whether a text names a repository: OWNER/NAME[@REVISION], or the address of a web page."""
    if "://" in text or is_address(text):
        return True
    try:
        repository_of(text, ADAPTER)
    except OvernightError:
        return False
    return True


def collect_repository(
    source: str,
    into: Path,
    stop_requested: Callable[[], bool] = lambda: False,
    tell: Callable[[Progress], object] = lambda _: None,
) -> Arrival:
    """Fetch the adapter in a repository into the empty folder `into`; `tell` is told how it goes.

    Raises OvernightError where the text names none, the Hub or the network refuses or there is no
    adapter, and StoppedEarly.
    """
    name, revision = repository_of(source, ADAPTER)
    access = Access.from_environment()
    try:
        return _fetched(look_up(name, revision, access), access, into, stop_requested, tell)
    except Stopped as stopped:
        raise StoppedEarly from stopped
    except OvernightError as error:
        if error.kind not in _NOTHING_KEPT:
            raise
        hint = " ".join(error.hint.replace(KEPT, "").split())
        raise OvernightError(error.kind, error.message, hint, error.detail) from None


def _fetched(
    repository: Repository,
    access: Access,
    into: Path,
    stop_requested: Callable[[], bool],
    tell: Callable[[Progress], object],
) -> Arrival:
    files = {file.path: file for file in repository.files}
    sizes = {path: file.size for path, file in files.items()}
    form = form_among(sizes)
    if form is None:
        raise nothing_in(sizes)
    check_sizes(sizes, WEIGHTS_OF[form], CONFIG)
    wanted = [files[name] for name in (CONFIG, WEIGHTS_OF[form])]
    watch = _watch(wanted, stop_requested, tell)
    with open_client() as client:
        transfer = Transfer(client, access, repository, watch)
        for file in wanted:
            transfer.fetch(file, Place(into / f"{file.path}.part", into / file.path))
    return Arrival(into, form, repository.source)


def _watch(
    files: Sequence[RemoteFile],
    stop_requested: Callable[[], bool],
    tell: Callable[[Progress], object],
) -> Watch:
    meter = Meter(sum(file.size for file in files), tell)
    there: dict[str, int] = {}

    def on_bytes(file: RemoteFile, count: int) -> None:
        there[file.path] = count
        meter.show(sum(there.values()))

    def on_wait(_: float, why: OvernightError) -> None:
        meter.show_wait(sum(there.values()), why.message)

    return Watch(stop_requested, on_bytes, on_wait)
