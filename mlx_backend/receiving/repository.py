"""An adapter in a repository of the Hub: its two files are fetched, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from mlx_backend.models.hub.access import Access
from mlx_backend.models.hub.repository import look_up
from mlx_backend.models.hub.transfer import Place, Stopped, Transfer, Watch, open_client
from mlx_backend.receiving.arrival import (
    CONFIG,
    WEIGHTS_OF,
    Arrival,
    check_sizes,
    form_among,
    nothing_in,
)
from mlx_backend.training.stop_requests import StoppedEarly

_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}(@[\w./-]{1,100})?", re.ASCII)


def is_repository(text: str) -> bool:
    """Whether a text can name a repository: OWNER/NAME, with or without @REVISION."""
    return _NAME.fullmatch(text) is not None


def collect_repository(
    source: str, into: Path, stop_requested: Callable[[], bool] = lambda: False
) -> Arrival:
    """Fetch the adapter in a repository into the empty folder `into`.

    Raises OvernightError where the Hub or the network refuses or there is no adapter, and
    StoppedEarly.
    """
    name, _, revision = source.partition("@")
    access = Access.from_environment()
    repository = look_up(name, revision or "main", access)
    files = {file.path: file for file in repository.files}
    sizes = {path: file.size for path, file in files.items()}
    form = form_among(sizes)
    if form is None:
        raise nothing_in(sizes)
    check_sizes(sizes, WEIGHTS_OF[form], CONFIG)
    watch = Watch(stop_requested, lambda *_: None, lambda *_: None)
    try:
        with open_client() as client:
            transfer = Transfer(client, access, repository, watch)
            for file in (CONFIG, WEIGHTS_OF[form]):
                transfer.fetch(files[file], Place(into / f"{file}.part", into / file))
    except Stopped as stopped:
        raise StoppedEarly from stopped
    return Arrival(into, form, repository.source)
