"""Trainings that are killed, or whose disk fails, at any place: what is lost, and what never is.

OVERNIGHT_KILLS sets how many kills; 500 take about five minutes. With more than there are places,
a training is killed at each of them.
"""

from __future__ import annotations

import errno
import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from mlx_backend import protocol
from mlx_backend.errors import ErrorKind
from mlx_backend.jobs import JobFolder
from mlx_backend.library import Library
from mlx_backend.library.adapters import WEIGHTS, list_adapters
from mlx_backend.machine.arrays import load_tensors
from mlx_backend.protocol import TrainSpec
from mlx_backend.training.checkpoints import latest_checkpoint
from mlx_backend.training.distillation import SOFT_TARGETS
from tests.mlx_backend.arrays import bits

USUAL_KILLS = 30
KILLS = int(os.environ.get("OVERNIGHT_KILLS", USUAL_KILLS))
SPEC = TrainSpec(
    name="Cut", model="tiny", steps=12, rank=4, dropout=0.1, checkpoint_every=3, seed=5
)
FAULTS = (errno.ENOSPC, errno.EIO, errno.EROFS)
_ROOT = Path(__file__).parents[3]
_FORKS = Path(__file__).with_name("forked_trainings.py")


@dataclass(frozen=True)
class Attempt:
    """How one training ended: exit code (negative for a signal), its last word, its places."""

    status: int
    outcome: protocol.JobEvent | None
    places: tuple[str, ...]


Train = Callable[..., Attempt]


@pytest.fixture
def train() -> Iterator[Train]:
    """Trains in a folder until the end or the place `at`."""
    environment = os.environ | {"PYTHONPATH": str(_ROOT)}
    process = subprocess.Popen(
        [sys.executable, str(_FORKS)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    orders, answers = process.stdin, process.stdout

    def attempt(folder: JobFolder, at: int | str = 0, fault: int = 0) -> Attempt:
        order = {"folder": str(folder.path), "at": at, "fault": fault}
        folder.seal_last_line()  # as whoever starts a training does
        orders.write(json.dumps(order).encode() + b"\n")
        orders.flush()
        answer = json.loads(answers.readline())
        outcome = answer["outcome"].encode()
        return Attempt(
            answer["status"],
            protocol.decode_event(outcome) if outcome else None,
            tuple(answer["places"]),
        )

    yield attempt
    process.communicate()


def places_to_fail(whole: Attempt) -> list[str]:
    """Where a write of the training can fail, each once, in the order of their coming."""
    once = dict.fromkeys(name for name in whole.places if not name.startswith("after"))
    # The library's folders are there already, and the word to the supervisor is no file.
    return [name for name in once if "pipe" not in name and not name.startswith("before mkdir ")]


def new_run(library: Library) -> JobFolder:
    # What a run writes once for all others is written by this one, too.
    (library.models / SPEC.model / SOFT_TARGETS).unlink(missing_ok=True)
    return JobFolder.create(library.runs, SPEC)


def take_adapter(library: Library) -> dict[str, bytes]:
    """The exact numbers of the one adapter there is, which goes."""
    (adapter,) = list_adapters(library.adapters)
    factors = bits(load_tensors(adapter.path / WEIGHTS))
    shutil.rmtree(adapter.path)
    return factors


def steps_done(folder: JobFolder) -> int:
    events = folder.reader().read_new()
    return max((e.step for e in events if isinstance(e, protocol.StepDone)), default=0)


def check_checkpoints(folder: JobFolder, scratch: Path) -> None:
    """Each one loads, by itself, and no more than one interval is lost."""
    found = [*folder.checkpoints.glob("step-*")] if folder.checkpoints.is_dir() else []
    for number, path in enumerate(found):
        alone = scratch / f"{folder.id} {number}"
        shutil.rmtree(alone, ignore_errors=True)
        alone.mkdir()
        (alone / path.name).symlink_to(path)
        checkpoint, _ = latest_checkpoint(alone)
        assert checkpoint is not None, f"{path} cannot be loaded"
        assert path.name == f"step-{checkpoint.state.step:06d}"
    lost = steps_done(folder) - (folder.newest_checkpoint() or 0)
    assert lost <= SPEC.checkpoint_every


@pytest.mark.timeout(300 + 10 * KILLS)
def test_no_kill_at_any_write_changes_what_is_learned(
    filled_library: Library, train: Train, tmp_path: Path
) -> None:
    train(new_run(filled_library))  # writes what is written once in a library
    learned = take_adapter(filled_library)
    whole = train(new_run(filled_library))
    assert isinstance(whole.outcome, protocol.Finished)
    assert take_adapter(filled_library) == learned
    chosen, kills, folder, is_new = random.Random(11), 0, new_run(filled_library), True
    left = places_to_hit(whole, chosen)
    while kills < KILLS or left:
        at = left[-1] if left else chosen.randint(1, len(whole.places))
        attempt = train(folder, at=at)
        if attempt.status == -signal.SIGKILL:
            kills += 1
            is_new = False
            check_checkpoints(folder, tmp_path)
            del left[-1:]
        else:
            assert not is_new, f"a whole run never comes by {at}"
            assert isinstance(attempt.outcome, protocol.Finished)
            assert take_adapter(filled_library) == learned
            folder, is_new = new_run(filled_library), True
    assert isinstance(train(folder).outcome, protocol.Finished)
    assert take_adapter(filled_library) == learned


def places_to_hit(whole: Attempt, chosen: random.Random) -> list[str]:
    """In a long run all places, each once, in any order; none in a short one."""
    places = sorted(set(whole.places))
    chosen.shuffle(places)
    return places if len(places) <= KILLS else []


@pytest.mark.timeout(600)
def test_a_disk_that_fails_at_any_write_costs_no_checkpoint(
    filled_library: Library, train: Train, tmp_path: Path
) -> None:
    whole = train(new_run(filled_library))
    learned, folder = take_adapter(filled_library), new_run(filled_library)
    places = places_to_fail(whole)
    # Each place with each fault in the long run, and in turn with one of them otherwise.
    rotated = zip(itertools.cycle(FAULTS), places, strict=False)
    for fault, place in itertools.product(FAULTS, places) if KILLS > USUAL_KILLS else rotated:
        saved = folder.newest_checkpoint() or 0
        attempt = train(folder, at=place, fault=fault)
        if isinstance(attempt.outcome, protocol.Finished):  # it had no more to write there
            assert take_adapter(filled_library) == learned
            folder, saved = new_run(filled_library), 0
            attempt = train(folder, at=place, fault=fault)
        assert isinstance(attempt.outcome, protocol.Failed), place
        assert attempt.outcome.error.kind == ErrorKind.DISK_FULL, (place, attempt.outcome.error)
        assert attempt.outcome.error.hint
        assert (folder.newest_checkpoint() or 0) >= saved
        check_checkpoints(folder, tmp_path)
    assert isinstance(train(folder).outcome, protocol.Finished)
    assert take_adapter(filled_library) == learned
