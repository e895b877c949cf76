"""An adapter shows its own export, and not that of another one that had its name."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.adapters.detail import AdapterDetail
from app.services import Services
from mlx_backend import protocol
from mlx_backend.jobs import JobFolder
from mlx_backend.library import Library, database
from mlx_backend.library.adapter_renaming import rename_adapter
from mlx_backend.library.adapters import read_adapter
from mlx_backend.library.bin import Bin
from tests.app.filled import add_adapter
from tests.app.recorded import record_job

VERIFIED = "Exported. Verified: the export answers like the original."


@pytest.fixture
def detail(services: Services, qtbot: QtBot) -> AdapterDetail:
    detail = AdapterDetail(services.exports)
    qtbot.addWidget(detail)
    return detail


def told(detail: AdapterDetail, library: Library, name: str) -> str:
    detail.show_adapter(read_adapter(library.adapters, name))
    return detail.exporting.text.text()


def test_a_new_adapter_has_no_export_of_a_deleted_namesake(
    library: Library,
    detail: AdapterDetail,
    launched: list[JobFolder],
    qtbot: QtBot,
    tmp_path: Path,
) -> None:
    add_adapter(library, "Notes")
    detail.show_adapter(read_adapter(library.adapters, "Notes"))
    detail.start_export(tmp_path / "out")
    qtbot.waitUntil(lambda: len(launched) == 1)
    launched[0].append(protocol.Finished(result={"verified": True}))
    (launched[0].path / "lock").touch()  # as a process leaves it
    qtbot.waitUntil(lambda: detail.exporting.text.text() == VERIFIED)
    with database.opened(library.database) as connection:
        waste = Bin(library, connection)
        rename_adapter(library, connection, "Notes", "Notes of May")
        assert told(detail, library, "Notes of May") == VERIFIED
        rename_adapter(library, connection, "Notes of May", "Notes")
        item = waste.delete_adapter("Notes")
        add_adapter(library, "Notes")
        assert told(detail, library, "Notes") == ""
        assert waste.restore(item.id).name == "Notes 2"
    assert told(detail, library, "Notes 2") == VERIFIED
    assert told(detail, library, "Notes") == ""


@pytest.mark.parametrize(("age_s", "shown"), [(3600.0, VERIFIED), (-3600.0, "")])
def test_an_export_of_an_earlier_version_is_that_of_the_adapter_of_its_time(
    library: Library,
    services: Services,
    detail: AdapterDetail,
    qtbot: QtBot,
    age_s: float,
    shown: str,
) -> None:
    add_adapter(library, "Notes", age_s)
    spec = protocol.ExportSpec(name="Notes", format="mlx", to="/out")
    events = (protocol.Launched(at=time.time()), protocol.Finished(result={"verified": True}))
    folder = record_job(library.jobs, spec, events)
    qtbot.waitUntil(lambda: services.watcher.snapshot(folder.id) is not None)
    qtbot.wait(50)
    assert told(detail, library, "Notes") == shown
