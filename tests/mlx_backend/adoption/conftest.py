"""What tests of downloads share: downloading in this process, and being refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mlx_backend.adoption.download import download
from mlx_backend.errors import OvernightError
from mlx_backend.jobs import JobFolder
from mlx_backend.library import Library
from mlx_backend.protocol import DownloadSpec
from tests.mlx_backend.models.hub.loopback_hub import REPO, Hub
from tests.mlx_backend.models.hub.weights import WEIGHTS

Fetch = Callable[..., dict[str, object] | None]
Refused = Callable[..., OvernightError]


def weights_there(hub: Hub) -> int:
    return [request.begin for request in hub.requests if request.path == WEIGHTS][-1]


def stop_after(hub: Hub, amount: int) -> Callable[[], bool]:
    return lambda: hub.sent >= amount


@pytest.fixture
def job(library: Library) -> JobFolder:
    """The folder of a download that has not begun."""
    return JobFolder.create(library.jobs, DownloadSpec(repo=REPO))


@pytest.fixture
def fetch(library: Library, job: JobFolder) -> Fetch:
    """Downloads in this process; returns what `download` does."""

    def fetch(stop: Callable[[], bool] = lambda: False, **fields: Any) -> dict[str, object] | None:
        return download(library, job, DownloadSpec(repo=REPO, **fields), stop)

    return fetch


@pytest.fixture
def refused(library: Library, fetch: Fetch) -> Refused:
    """Downloads in this process and expects an error, and that nothing comes into the library."""

    def refused(**fields: Any) -> OvernightError:
        with pytest.raises(OvernightError) as caught:
            fetch(**fields)
        assert caught.value.hint
        assert not [path for path in library.models.iterdir() if not path.name.startswith(".")]
        return caught.value

    return refused
