from __future__ import annotations

from pytestqt.qtbot import QtBot

from app.jobs.wakefulness import Wakefulness
from app.jobs.watcher import JobWatcher
from mlx_backend import protocol
from mlx_backend.locks import held
from tests.app.recorded import RunMaker


def test_the_window_is_not_slowed_while_a_job_runs(
    watcher: JobWatcher, make_run: RunMaker, qtbot: QtBot
) -> None:
    wakefulness = Wakefulness(watcher)
    folder = make_run()
    with held(folder.path / "lock"):
        with qtbot.waitSignal(watcher.settled):
            watcher.begin()
        assert wakefulness.is_held
        with qtbot.waitSignal(watcher.job_ended):
            folder.append(protocol.Finished(result={}))
    assert not wakefulness.is_held


def test_without_jobs_the_system_does_as_it_likes(watcher: JobWatcher, qtbot: QtBot) -> None:
    wakefulness = Wakefulness(watcher)
    with qtbot.waitSignal(watcher.settled):
        watcher.begin()
    assert not wakefulness.is_held
    wakefulness.release()
