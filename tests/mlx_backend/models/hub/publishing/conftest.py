"""What tests of publishing share: a Hub that takes uploads, and a folder for it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlx_backend.models.hub import retrying
from tests.mlx_backend.models.hub.own_hub import (
    OwnHub,
    Taking,
)
from tests.mlx_backend.models.hub.publishing.sent import (
    MB,
    WEIGHTS,
    fill,
)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[OwnHub]:
    monkeypatch.setattr(retrying, "_SHORTEST_S", 0.001)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Taking(OwnHub()) as hub:
        yield hub


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "adapter"
    (folder / "peft").mkdir(parents=True)
    fill(folder, {"README.md": b"# Boats\n", WEIGHTS: os.urandom(3 * MB), "peft/a.json": b"{}"})
    return folder
