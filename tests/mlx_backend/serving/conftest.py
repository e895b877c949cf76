"""One server for all tests that ask it over HTTP, since its start takes seconds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mlx_backend.importers.importing import import_into
from mlx_backend.library import Library
from mlx_backend.models.base_model import load_base_model
from mlx_backend.settings import change_settings
from tests.mlx_backend.conftest import NOTES
from tests.mlx_backend.made import make_adapter
from tests.mlx_backend.serving.served import Served

ADAPTER = "Garden + shed, büro"
"""A name with what names may have."""


@pytest.fixture(scope="session")
def served_library(
    tiny_folders: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Library:
    """A library with the tiny model, two adapters and three notes."""
    folder = tmp_path_factory.mktemp("served")
    library = Library.open(folder / "library")
    for name, path in tiny_folders.items():
        (library.models / name).symlink_to(path)
    change_settings(library.settings, base_model="tiny", max_tokens=16, search_by_meaning=False)
    loaded = load_base_model(library, "tiny")
    make_adapter(library.adapters, loaded, ADAPTER)
    make_adapter(library.adapters, loaded, "Shop", seed=2)
    for name, text in NOTES.items():
        (folder / "notes" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "notes" / name).write_text(text, encoding="utf-8")
    import_into(library, [folder / "notes"])
    return library


@pytest.fixture(scope="session")
def served(served_library: Library, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server of that library."""
    server = Served.start(served_library, tmp_path_factory.mktemp("server"))
    yield server
    assert server.end() == 0
    assert server.token not in server.errors.read_text()
    assert "Traceback" not in server.errors.read_text()
