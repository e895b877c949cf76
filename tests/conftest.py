"""What holds for all tests: MLX computes fast, and invented input is the same on every machine."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from mlx_backend.machine import accelerator
from mlx_backend.machine.cores import FIXED_CORES

# Threads of OpenBLAS wait for each other without sleeping: of two workers each has one core.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault(FIXED_CORES, "1")

# Before any test file imports mlx.core: after that its BLAS can no longer be replaced.
accelerator.prepare()

# No test finds the token of the person who runs it, not even in a process that it starts.
os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"
os.environ["HF_TOKEN_PATH"] = os.devnull

settings.register_profile(
    "same everywhere",
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("same everywhere")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the longest tests begin, so that at the end no worker waits for another one's."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.fixture(scope="session")
def new_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database of a new library, which tests copy: to make its schema takes 30 ms."""
    from mlx_backend.library import database

    path = tmp_path_factory.mktemp("new") / "library.sqlite"
    database.connect(path).close()
    return path


@pytest.fixture(scope="session")
def real_starter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real starter's model folder, converted once for all processes that run tests.

    What a run writes into it once, such as its general probe, is there for the next journey.
    """
    from mlx_backend.library import Library
    from mlx_backend.models.starter import ensure_starter

    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    return ensure_starter(Library.open(shared / "real")).path


@pytest.fixture
def local_zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Puts this process into a time zone, such as "Europe/Berlin"."""

    def enter(name: str) -> None:
        monkeypatch.setenv("TZ", name)
        time.tzset()

    yield enter
    monkeypatch.undo()
    time.tzset()
