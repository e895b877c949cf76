"""What tests of downloads and adoptions share: doing them in this process, and being refused.

Models are tried for real in `test_taking_in.py`, `trial/` and where a job has a process of its own.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mlx_backend import protocol
from mlx_backend.adoption.adopt import adopt
from mlx_backend.adoption.download import download
from mlx_backend.errors import OvernightError
from mlx_backend.jobs import JobFolder
from mlx_backend.library import Library
from mlx_backend.library.models import list_models
from mlx_backend.protocol import DownloadSpec
from tests.mlx_backend.abilities import READS
from tests.mlx_backend.adoption.places import grown_old
from tests.mlx_backend.models.hub.loopback_hub import REPO, Hub
from tests.mlx_backend.models.hub.weights import WEIGHTS

_TRY = "mlx_backend.adoption.taking_in.try_model"
_TRY_TOKENIZER = "mlx_backend.adoption.taking_in.try_tokenizer"

Fetch = Callable[..., dict[str, object] | None]
Adopt = Callable[..., dict[str, Any]]
Refused = Callable[..., OvernightError]


def weights_there(hub: Hub) -> int:
    return [request.begin for request in hub.requests if request.path == WEIGHTS][-1]


def stop_after(hub: Hub, amount: int) -> Callable[[], bool]:
    return lambda: hub.sent >= amount


@pytest.fixture(autouse=True)
def untried() -> Iterator[pytest.MonkeyPatch]:
    """Every model passes its trial at once; undo this to try it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_TRY, lambda *_: READS)
        patch.setattr(_TRY_TOKENIZER, lambda *_: None)
        yield patch


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


@pytest.fixture
def task(library: Library) -> JobFolder:
    """The folder of an adoption that has not begun."""
    return JobFolder.create(library.jobs, protocol.AdoptSpec(path="/"))


@pytest.fixture
def take(library: Library, task: JobFolder) -> Adopt:
    """Adopts in this process; returns the result, {} where it was stopped."""

    def take(path: Path, stop: Callable[[], bool] = lambda: False, **fields: Any) -> dict[str, Any]:
        spec = protocol.AdoptSpec(path=str(path), **fields)
        return adopt(library, task, spec, stop) or {}

    return take


@pytest.fixture
def files(tmp_path: Path, model_files: Path) -> Path:
    """A good model in a folder, an hour old."""
    folder = tmp_path / "Tiny-1B"
    shutil.copytree(model_files, folder)
    return grown_old(folder)


def refusal(take: Adopt, library: Library, path: Path, **fields: Any) -> OvernightError:
    with pytest.raises(OvernightError) as caught:
        take(path, **fields)
    assert caught.value.hint
    assert not list_models(library.models)
    assert not [path for path in library.jobs.glob("*/*") if path.is_dir()]
    return caught.value
