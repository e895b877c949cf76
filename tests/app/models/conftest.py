"""What tests of the Models page share: a page on a Mac of 16 GB, and jobs in every state."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.models.page import ModelsPage
from app.models.to_download import read_offers
from app.services import Services
from mlx_backend import protocol
from mlx_backend.jobs import JobFolder
from mlx_backend.library import Library
from mlx_backend.library.this_machine import Machine
from tests.app.recorded import record_job

MAC = Machine(16 << 30, has_gpu=True)
GRANITE = protocol.DownloadSpec(
    repo="mlx-community/granite-4.1-3b-4bit", revision="b1b476b5a17c46b7d6cd663b4a8ed44b66720aef"
)

JobMaker = Callable[..., JobFolder]


@pytest.fixture
def make_job(library: Library) -> JobMaker:
    """Records a download, or another job, that has these events behind it."""

    def make(*events: protocol.JobEvent, spec: protocol.JobSpec = GRANITE) -> JobFolder:
        return record_job(
            library.jobs, spec, (protocol.Launched(), protocol.Started(pid=1), *events)
        )

    return make


@pytest.fixture
def page(services: Services, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> ModelsPage:
    monkeypatch.setattr("app.models.page.read_offers", lambda _, told: read_offers(MAC, told))
    page = ModelsPage(services)
    qtbot.addWidget(page)
    page.resize(900, 700)
    page.show()
    qtbot.waitUntil(lambda: bool(page.catalogue.rows))
    return page


def progress(done: int = 702_000_000, **more: object) -> protocol.Progress:
    """How far a download of 2.1 GB is."""
    fields = {"done": done, "total": 2_127_162_429, "unit": "bytes", **more}
    return protocol.Progress(**fields)  # type: ignore[arg-type]


def specs(launched: list[JobFolder]) -> list[protocol.JobSpec]:
    """What the jobs that were started were asked to do."""
    return [folder.spec() for folder in launched]


def a_model(folder: Path) -> Path:
    """A folder that looks like a model's."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text('{"model_type": "llama"}')
    (folder / "model.safetensors").write_bytes((2).to_bytes(8, "little") + b"{}")
    return folder
