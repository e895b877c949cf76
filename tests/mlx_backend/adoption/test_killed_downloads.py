"""Downloads whose process is killed: hardly a byte is fetched twice, and the model is right."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from mlx_backend.adoption import download as downloading
from mlx_backend.adoption import filing, taking_in
from mlx_backend.adoption.checks.acceptance import check_whole
from mlx_backend.adoption.work import Work
from mlx_backend.files import sha256_of_file
from mlx_backend.jobs import JobFolder, JobState, launch
from mlx_backend.library import Library
from mlx_backend.library.models import read_model
from mlx_backend.locks import is_held
from mlx_backend.protocol import DownloadSpec
from tests.mlx_backend.models.hub.loopback_hub import REPO, Hub
from tests.mlx_backend.models.hub.weights import WEIGHTS, enlarge_weights

CHUNK = 8 << 20
KILLS = 20
MB = 1 << 20


def wait(until: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def wait_for_bytes(hub: Hub, goal: int, patience: float) -> None:
    deadline = time.monotonic() + patience
    wait(lambda: hub.sent_of(WEIGHTS) > goal or time.monotonic() > deadline)


def test_killed_at_random_moments_it_fetches_at_most_a_chunk_twice(
    hub: Hub, library: Library
) -> None:
    enlarge_weights(hub.repos[REPO].files, 24 * MB)
    hub.bytes_per_second = 12 * MB
    size = len(hub.repos[REPO].files[WEIGHTS])
    folder = JobFolder.create(library.jobs, DownloadSpec(repo=REPO))
    chance = random.Random(15)
    for _ in range(KILLS):
        goal = hub.sent_of(WEIGHTS) + chance.randint(0, 2 * MB)
        pid = launch(folder)
        wait_for_bytes(hub, goal, chance.choice([0.1, 0.5, 1, 30, 30, 30, 30, 30, 30]))
        os.kill(pid, signal.SIGKILL)
        wait(lambda: folder.status().state.is_over or not is_held(folder.path / "lock"))
    hub.bytes_per_second = 0
    launch(folder)
    wait(lambda: folder.status().state is JobState.FINISHED, 200)
    begins = [request for request in hub.requests if request.path == WEIGHTS]
    twice = [one.begin + sum(one.sent) - other.begin for one, other in pairwise(begins)]
    print(
        f"{len(begins)} tries, most fetched twice at once {max(twice)}, in all {sum(twice)} bytes"
    )
    assert len(begins) > KILLS // 2
    assert max(twice) <= CHUNK
    assert all(one.begin <= other.begin for one, other in pairwise(begins))
    assert hub.sent_of(WEIGHTS) == size + sum(twice)
    model = read_model(library.models, "Tiny-1B")
    assert sha256_of_file(model.path / WEIGHTS) == model.card.sha256
    assert (model.path / WEIGHTS).read_bytes() == hub.repos[REPO].files[WEIGHTS]


@pytest.mark.parametrize("moment", ["write_atomically", "sync_path", "read_model", "discard"])
def test_killed_while_it_is_filed_the_model_is_there_once(
    hub: Hub, library: Library, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def kill(*_: object) -> None:
        raise Killed

    folder = JobFolder.create(library.jobs, DownloadSpec(repo=REPO))

    def fetch() -> dict[str, object] | None:
        return downloading.download(library, folder, DownloadSpec(repo=REPO), lambda: False)

    wanted = check_whole

    def arm(name: str, model: Path) -> int:
        monkeypatch.setattr(Work if moment == "discard" else filing, moment, kill)
        return wanted(name, model)

    monkeypatch.setattr(taking_in, "check_whole", arm)
    with pytest.raises(Killed):
        fetch()
    monkeypatch.undo()
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    sent = hub.sent
    result = fetch()
    assert result is not None
    assert result["model"] == "Tiny-1B"
    assert hub.sent == sent
    assert [path.name for path in library.models.iterdir() if path.is_dir()] == ["Tiny-1B"]
    assert not (folder.path / "model").exists()
