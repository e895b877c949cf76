"""Eight hours of a run in a few minutes: the window's memory does not grow, and it never stalls.

A process of its own reports a million events through a job's folder; the real window follows
them on its Tonight page, and someone zooms and points at the curves meanwhile.

OVERNIGHT_SOAK_EVENTS sets how many (1000000), OVERNIGHT_SOAK_PER_SECOND how fast (4000).
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from PySide6.QtCore import QPointF, QTimer
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.services import Services, make_services
from app.shell.window import Window
from app.tonight.loss_chart import LossChart
from app.tonight.page import TonightPage
from mlx_backend import protocol
from mlx_backend.jobs import JobFolder, JobState
from mlx_backend.library import Library
from tests.benchmarks.stalls import StallMeter

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(3600)]

EVENTS = int(os.environ.get("OVERNIGHT_SOAK_EVENTS", "1000000"))
PER_SECOND = float(os.environ.get("OVERNIGHT_SOAK_PER_SECOND", "4000"))
_ROOT = Path(__file__).parent.parent.parent
_PATIENCE_MS = 3_000_000


@pytest.fixture
def services(tmp_path: Path, qapp: QApplication) -> Iterator[Services]:
    services = make_services(Library.open(tmp_path / "library"), qapp)
    yield services
    services.close()


def memory() -> int:
    """What this process holds, in bytes."""
    return int(psutil.Process().memory_info().rss)


class Person:
    """Looks at the curves again and again: closer, sideways, at one place, all of them."""

    def __init__(self, chart: LossChart) -> None:
        self._chart = chart
        self._deeds = 0
        self._timer = QTimer(interval=700)
        self._timer.timeout.connect(self._act)
        self._timer.start()

    def _act(self) -> None:
        plot = self._chart.plot
        left, right = plot.shown_steps()
        middle = QPointF(self._chart.width() / 2, self._chart.height() / 2)
        deeds = (
            lambda: plot.zoom(closer=True),
            lambda: plot.pan(right=True),
            lambda: plot.pointed.emit((left + right) / 2, (right - left) / 100, middle),
            plot.show_all,
        )
        deeds[self._deeds % len(deeds)]()
        self._deeds += 1


def test_soak(services: Services, qtbot: QtBot) -> None:
    spec = protocol.TrainSpec(name="Notes", model="starter", prompt="Who?")
    folder = JobFolder.create(services.library.runs, spec)
    folder.append(protocol.Launched())
    words = [sys.executable, "-m", "tests.benchmarks.soak_job"]
    job = subprocess.Popen([*words, str(folder.path), str(EVENTS), str(PER_SECOND)], cwd=_ROOT)
    window = Window(services)
    qtbot.addWidget(window)
    window.show()
    window.show_page("tonight")
    page = window.page("tonight")
    assert isinstance(page, TonightPage)
    qtbot.waitUntil(
        lambda: page.run.chart.is_drawn and page.run.run_id == folder.id, timeout=30_000
    )
    person = Person(page.run.chart)

    def step() -> int:
        run = services.watcher.snapshot(folder.id)
        return run.status.step if run else 0

    with StallMeter() as meter:
        qtbot.waitUntil(lambda: step() >= EVENTS * 0.09, timeout=_PATIENCE_MS)
        first_tenth = memory()
        qtbot.waitUntil(
            lambda: services.watcher.runs()[0].state is JobState.FINISHED, timeout=_PATIENCE_MS
        )
        qtbot.wait(1000)
    end = memory()
    del person
    assert job.wait(60) == 0
    growth = end / first_tenth - 1
    print(
        f"\n{EVENTS:,} events, {folder.events_path.stat().st_size / 1e6:.0f} MB:"
        f" {first_tenth / 1e6:.1f} MB after a tenth, {end / 1e6:.1f} MB at the end"
        f" ({growth:+.1%}); {meter.describe()}"
    )
    assert page.run.chart.points()[0] > 10_000
    assert growth < 0.05
    assert meter.busiest_ms < 100  # the longest stall too, on a machine with nothing else to do
