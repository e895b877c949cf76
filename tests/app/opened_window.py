"""A window in a process of its own, to be killed: `opened_window.py [NAME]`.

With a NAME it starts a long run of the tiny model under it. Once the strip shows a run at work,
it stops the run's process where it is, prints the run's id, and goes on until someone ends it.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from unittest import mock

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

import app.main
from app.services import Services, make_services
from app.shell.window import Window
from mlx_backend.jobs import JobFolder
from mlx_backend.library import Library
from mlx_backend.protocol import NO_PATIENCE, Started, TrainSpec

STEPS = 150


def start(services: Services, name: str) -> None:
    services.watcher.start(
        TrainSpec(
            name=name,
            model="tiny",
            steps=STEPS,
            rank=4,
            learning_rate=1e-5,  # slow, so that it learns to the end
            patience=NO_PATIENCE,
        )
    )


def shown_run(services: Services) -> str:
    """The id of the run at work that the strip names; "" while it names none."""
    windows = [widget for widget in QApplication.topLevelWidgets() if isinstance(widget, Window)]
    for run in services.watcher.active():
        assert isinstance(run.spec, TrainSpec)
        if run.status.step and any(run.spec.name in each.strip.what.text() for each in windows):
            return run.id
    return ""


def process_of(run: JobFolder) -> int:
    """The process that a run was started in last."""
    return [each.pid for each in run.reader().read_new() if isinstance(each, Started)][-1]


def main(*names: str) -> int:
    """Open the window as a person does."""
    timer = QTimer(interval=10)

    def make(library: Library, qapp: QApplication) -> Services:
        services = make_services(library, qapp)
        for name in names:
            start(services, name)
        timer.timeout.connect(tell(services))
        timer.start()
        return services

    def tell(services: Services) -> Callable[[], None]:
        def look() -> None:
            if run_id := shown_run(services):
                timer.stop()
                os.kill(process_of(JobFolder(services.library.runs / run_id)), signal.SIGSTOP)
                print(run_id, flush=True)

        return look

    with mock.patch("app.main.make_services", make):
        return app.main.main([])


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
