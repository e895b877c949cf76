"""What the machine has no room for now, and what another program holds: all that came is kept."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from mlx_backend import protocol
from mlx_backend.adoption import taking_in
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.jobs import JobFolder
from mlx_backend.library import Library
from mlx_backend.library.models import read_model
from mlx_backend.locks import FileLock
from tests.mlx_backend.abilities import READS
from tests.mlx_backend.adoption.conftest import Adopt, Fetch
from tests.mlx_backend.adoption.places import WEIGHTS
from tests.mlx_backend.models.hub.loopback_hub import Hub


class Killed(BaseException):
    """As if the process were killed at this moment."""


def at_the_trial(monkeypatch: pytest.MonkeyPatch, error: BaseException | None) -> None:
    def try_model(*_: object) -> object:
        if error is not None:
            raise error
        return READS

    monkeypatch.setattr(taking_in, "try_model", try_model)


def shortage(kind: ErrorKind) -> OvernightError:
    return OvernightError(kind, "It did not fit.", "Close something.")


@pytest.mark.parametrize("kind", [ErrorKind.NO_MEMORY, ErrorKind.DISK_FULL])
def test_a_download_that_does_not_fit_now_is_kept(
    hub: Hub, library: Library, job: JobFolder, fetch: Fetch, monkeypatch: pytest.MonkeyPatch,
    kind: ErrorKind,
) -> None:  # fmt: skip
    at_the_trial(monkeypatch, shortage(kind))
    with pytest.raises(OvernightError):
        fetch()
    assert (job.path / "model" / WEIGHTS).exists()
    sent = hub.sent
    at_the_trial(monkeypatch, None)
    assert fetch()
    assert hub.sent == sent


def test_a_refused_download_is_not_kept(
    hub: Hub, job: JobFolder, fetch: Fetch, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_the_trial(monkeypatch, shortage(ErrorKind.BAD_INPUT))
    with pytest.raises(OvernightError):
        fetch()
    assert not (job.path / "model").exists()


@pytest.mark.parametrize("error", [Killed(), shortage(ErrorKind.NO_MEMORY)])
def test_once_all_files_are_here_the_source_may_be_gone(
    library: Library, task: JobFolder, take: Adopt, files: Path,
    monkeypatch: pytest.MonkeyPatch, error: BaseException,
) -> None:  # fmt: skip
    at_the_trial(monkeypatch, error)
    with pytest.raises(type(error)):
        take(files)
    shutil.rmtree(files)
    at_the_trial(monkeypatch, None)
    assert take(files)["model"] == "Tiny-1B"
    assert read_model(library.models, "Tiny-1B").card.sha256


def test_a_damaged_copy_is_not_taken_for_whole(
    task: JobFolder, take: Adopt, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_the_trial(monkeypatch, Killed())
    with pytest.raises(Killed):
        take(files)
    shutil.rmtree(files)
    (task.path / "model" / WEIGHTS).unlink()
    with pytest.raises(OvernightError) as caught:
        take(files)
    assert caught.value.kind is ErrorKind.PATH_MISSING


def test_it_waits_for_the_lane_and_says_so(
    library: Library, task: JobFolder, take: Adopt, files: Path
) -> None:
    lane = FileLock(library.lane)
    assert lane.acquire()

    def stop() -> bool:
        """Asked while it waits: the run is done now."""
        if any(isinstance(e, protocol.Waiting) for e in task.reader().read_new()):
            lane.release()
        return False

    assert take(files, stop)
    events = task.reader().read_new()
    (waiting,) = [e for e in events if isinstance(e, protocol.Waiting)]
    (over,) = [e for e in events if isinstance(e, protocol.WaitOver)]
    trying = next(e for e in events if isinstance(e, protocol.StageBegan) and e.stage == "trying")
    assert waiting.reason == "turn"
    assert events.index(waiting) < events.index(over) < events.index(trying)
    assert FileLock(library.lane).acquire()


def test_a_stop_is_heard_while_it_waits_for_the_lane(
    library: Library, task: JobFolder, take: Adopt, files: Path
) -> None:
    lane = FileLock(library.lane)
    assert lane.acquire()

    def stop() -> bool:
        return any(isinstance(e, protocol.Waiting) for e in task.reader().read_new())

    assert not take(files, stop)
    assert (task.path / "model" / WEIGHTS).exists()
    lane.release()
    assert take(files)
