"""Receiving adapters of others, one after another, and merging."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec
import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.jobs import new_adapter_story
from app.jobs.new_adapters import NewAdapters, name_after
from app.services import Services, make_services
from mlx_backend import protocol
from mlx_backend.jobs import JobFolder
from mlx_backend.library import Library
from mlx_backend.library.adapters import Origin
from tests.app.adapters.made import add_with
from tests.app.filled import add_adapter
from tests.app.recorded import record_job

GARDEN = Path("/from/Ana/garden.overnight")
REFUSED = protocol.ErrorReport(
    kind="bad_input", message="This adapter is damaged.", hint="Ask for another copy."
)


@pytest.fixture
def new(services: Services) -> NewAdapters:
    return services.new_adapters


def end(job: JobFolder, event: protocol.JobEvent) -> None:
    job.append(event)
    (job.path / "lock").touch()  # as a process leaves it


def specs(launched: list[JobFolder]) -> list[protocol.JobSpec]:
    return [folder.spec() for folder in launched]


def test_it_is_named_after_its_file(
    new: NewAdapters, launched: list[JobFolder], qtbot: QtBot
) -> None:
    new.receive([GARDEN])
    assert new.is_busy
    qtbot.waitUntil(lambda: new.current is not None)
    assert specs(launched) == [protocol.ReceiveSpec(source=str(GARDEN), name="garden")]
    with qtbot.waitSignal(new.made) as made:
        end(launched[0], protocol.Finished(result={"adapter": "garden", "warnings": []}))
    assert made.args == ["garden"]
    assert not new.is_busy
    assert new.failed is None


def test_the_same_bundle_twice_makes_two_adapters(
    library: Library, new: NewAdapters, launched: list[JobFolder], qtbot: QtBot
) -> None:
    new.receive([GARDEN, GARDEN])
    qtbot.waitUntil(lambda: len(launched) == 1)
    qtbot.wait(50)
    assert len(launched) == 1  # the other waits
    add_adapter(library, "Garden")  # as the file system has it, that is the same name
    end(launched[0], protocol.Finished(result={"adapter": "garden"}))
    qtbot.waitUntil(lambda: len(launched) == 2)
    assert specs(launched)[1] == protocol.ReceiveSpec(source=str(GARDEN), name="garden 2")


def test_a_name_that_a_run_is_about_to_give_is_taken(
    library: Library, new: NewAdapters, services: Services, launched: list[JobFolder], qtbot: QtBot
) -> None:
    services.watcher.start(protocol.TrainSpec(name="garden", model="starter"))
    qtbot.waitUntil(lambda: bool(services.watcher.active()))
    new.receive([GARDEN])
    qtbot.waitUntil(lambda: len(launched) == 2)
    assert launched[1].spec() == protocol.ReceiveSpec(source=str(GARDEN), name="garden 2")


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("/a/My notes.overnight", "My notes"),
        ("/a/Llama-3.2-lora", "Llama-3.2-lora"),
        ("ana/garden-notes", "garden-notes"),
        ("ana/garden.v2@refs/pr/1", "garden.v2"),
        ("/a/garden.ZIP", "garden"),
        ("/a/<script>.overnight", "script"),
        ("/a/..overnight", "Received"),
        ("/a/***.overnight", "Received"),
        ("/a/con.zip", "Received"),
        (f"/a/{'x' * 200}.zip", "x" * 64),
    ],
)
def test_names_after_files_are_allowed_ones(source: str, name: str) -> None:
    assert name_after(source) == name


def test_one_that_failed_says_why_until_that_is_dismissed(
    new: NewAdapters, launched: list[JobFolder], qtbot: QtBot
) -> None:
    new.receive([GARDEN])
    qtbot.waitUntil(lambda: new.current is not None)
    with qtbot.assertNotEmitted(new.made):
        end(launched[0], protocol.Failed(error=REFUSED))
        qtbot.waitUntil(lambda: new.failed is not None)
    assert new.failed is not None
    said = new_adapter_story.why_not(new.failed)
    assert said == "This adapter is damaged. Ask for another copy."
    new.dismiss()
    assert new.failed is None


def test_cancelling_forgets_what_waits(
    new: NewAdapters, launched: list[JobFolder], qtbot: QtBot
) -> None:
    new.receive([GARDEN, GARDEN])
    qtbot.waitUntil(lambda: new.current is not None)
    new.cancel()
    qtbot.waitUntil(launched[0].stop_requested)
    end(launched[0], protocol.Stopped())
    qtbot.waitUntil(lambda: not new.is_busy)
    assert new.failed is None
    assert len(launched) == 1


def test_what_waits_when_the_window_closes_is_received_all_the_same(
    new: NewAdapters, services: Services, launched: list[JobFolder], qtbot: QtBot
) -> None:
    new.receive([GARDEN, GARDEN, Path("/b/moss.zip")])
    services.close()
    assert specs(launched) == [
        protocol.ReceiveSpec(source=str(GARDEN), name="garden"),
        protocol.ReceiveSpec(source=str(GARDEN), name="garden 2"),
        protocol.ReceiveSpec(source="/b/moss.zip", name="moss"),
    ]


def test_merging_is_a_job(new: NewAdapters, launched: list[JobFolder], qtbot: QtBot) -> None:
    parts = (protocol.WeightedAdapter(name="A", weight=0.7), protocol.WeightedAdapter(name="B"))
    new.merge("Both", parts)
    qtbot.waitUntil(lambda: new.current is not None)
    assert specs(launched) == [protocol.MergeSpec(name="Both", parts=parts)]
    assert new.current is not None
    assert new_adapter_story.title(new.current) == "Merging into “Both”"


def record_reception(library: Library, received: float) -> JobFolder:
    events = (
        protocol.Launched(at=received - 5),
        protocol.Finished(at=received + 5, result={"warnings": ["It is not signed."]}),
    )
    spec = protocol.ReceiveSpec(source=str(GARDEN), name="garden")
    return record_job(library.jobs, spec, events)


def test_its_warnings_are_told_until_they_are_read(
    library: Library, services: Services, qapp: QApplication, qtbot: QtBot
) -> None:
    origin = Origin(received=time.time() - 60, form="bundle", place="garden.overnight")
    garden = add_with(library, "Renamed since", origin=origin)
    other = add_with(library, "Other", origin=msgspec.structs.replace(origin, received=9.0))
    record_reception(library, origin.received)
    qtbot.waitUntil(lambda: bool(services.watcher.jobs()))
    assert services.new_adapters.warnings(garden) == ("It is not signed.",)
    assert services.new_adapters.warnings(other) == ()
    services.new_adapters.mark_read(garden)
    assert services.new_adapters.warnings(garden) == ()
    services.close()
    later = make_services(library, qapp)  # another window
    try:
        qtbot.waitUntil(lambda: bool(later.watcher.jobs()))
        assert later.new_adapters.warnings(garden) == ()
    finally:
        later.close()
