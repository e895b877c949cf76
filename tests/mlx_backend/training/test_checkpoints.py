from __future__ import annotations

import errno
import hashlib
import os
import random
from pathlib import Path

import mlx.core as mx
import msgspec
import pytest

from mlx_backend import files
from mlx_backend.machine.arrays import flatten
from mlx_backend.run.preparation import Preparation
from mlx_backend.training.checkpoints import (
    Checkpoint,
    TrainingState,
    elapsed_before,
    latest_checkpoint,
    restore,
    save_checkpoint,
)
from mlx_backend.training.early_stopping import Best
from tests.mlx_backend.arrays import bits

OLDER = TrainingState(step=3, recent_losses=(4.5,))
NEWEST = TrainingState(step=6, tokens=77)
BEST = Best(loss=1.0, step=1)
FILES = ["adapter.safetensors", "optimizer.safetensors", "state.json"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "checkpoints"


@pytest.fixture
def two(folder: Path, preparation: Preparation) -> Path:
    """Checkpoints after steps 3 and 6; returns the newest."""
    train(preparation, 0, 3)
    save_checkpoint(folder, preparation.training, OLDER)
    train(preparation, 3, 6)
    return save_checkpoint(folder, preparation.training, NEWEST)


def train(preparation: Preparation, start: int, end: int) -> list[float]:
    return [
        preparation.training(preparation.batches[step], rate=5e-3) for step in range(start, end)
    ]


def latest(folder: Path) -> Checkpoint:
    found, _ = latest_checkpoint(folder)
    assert found is not None
    return found


def write_state(path: Path, state: dict[str, object]) -> None:
    """Exchange a checkpoint's state, with its hash."""
    manifest = msgspec.json.decode((path / "state.json").read_bytes())
    manifest["state"] = state
    manifest["sha256"]["state.json"] = hashlib.sha256(msgspec.json.encode(state)).hexdigest()
    (path / "state.json").write_bytes(msgspec.json.encode(manifest))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_everything_comes_back_bit_for_bit(
    two: Path, folder: Path, preparation: Preparation
) -> None:
    training = preparation.training
    adapter = bits(flatten(training.model.trainable_parameters()))
    optimizer = bits(flatten(training.optimizer.state))
    after = train(preparation, 6, 8)
    drawn = bits({"x": mx.random.normal((4,))})
    found = latest(folder)
    assert found.state == NEWEST
    restore(training, found)
    assert bits(flatten(training.model.trainable_parameters())) == adapter
    restored = bits(flatten(training.optimizer.state))
    assert restored == optimizer
    assert train(preparation, 6, 8) == after
    assert bits({"x": mx.random.normal((4,))}) == drawn


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("size", [0, 1, 100])
def test_a_truncated_file_falls_back_to_the_one_before(
    two: Path, folder: Path, file: str, size: int
) -> None:
    (two / file).write_bytes((two / file).read_bytes()[:size])
    assert latest(folder).state.step == 3


@pytest.mark.parametrize("file", FILES)
def test_no_flipped_bit_gets_into_a_run(two: Path, folder: Path, file: str) -> None:
    saved = [OLDER, NEWEST] if file == "state.json" else [OLDER]  # it may hit a default's name
    data = (two / file).read_bytes()
    chosen = random.Random(1)
    for _ in range(40):
        damaged = bytearray(data)
        damaged[chosen.randrange(len(data))] ^= 1 << chosen.randrange(8)
        (two / file).write_bytes(damaged)
        assert latest(folder).state in saved


@pytest.mark.parametrize("file", FILES)
def test_a_missing_file_falls_back_to_the_one_before(two: Path, folder: Path, file: str) -> None:
    (two / file).unlink()
    assert latest(folder).state.step == 3


def test_none_whole_is_none(two: Path, folder: Path) -> None:
    for path in folder.iterdir():
        (path / "state.json").write_text("{}")
    assert latest_checkpoint(folder) == (None, ["step-000006", "step-000003"])


def test_no_folder_no_checkpoint(tmp_path: Path) -> None:
    assert latest_checkpoint(tmp_path / "gone") == (None, [])


def test_what_is_no_checkpoint_is_passed_over(two: Path, folder: Path) -> None:
    (folder / "step-999999x").mkdir()
    (folder / ".step-000009.123.part").mkdir()
    (folder / "step-000009").mkdir()  # as a broken copy may leave it
    (folder / "step-000010").write_text("a file")
    assert latest(folder).state.step == 6


def test_the_latest_three_are_kept(folder: Path, preparation: Preparation) -> None:
    for step in (1, 2, 10, 20, 1_000_000):
        save_checkpoint(folder, preparation.training, TrainingState(step=step))
    assert names(folder) == ["step-000010", "step-000020", "step-1000000"]
    assert latest(folder).state.step == 1_000_000


def test_damaged_ones_take_no_place_from_those_that_come_after(
    folder: Path, preparation: Preparation
) -> None:
    for step in (1, 7, 8, 9):
        save_checkpoint(folder, preparation.training, TrainingState(step=step, best=BEST))
    for step in (7, 8, 9):
        (folder / f"step-00000{step}" / "adapter.safetensors").write_bytes(b"")
    assert latest(folder).state.step == 1
    for step in (2, 3):
        save_checkpoint(folder, preparation.training, TrainingState(step=step, best=BEST))
    assert names(folder) == ["step-000001", "step-000002", "step-000003"]


def test_the_time_spent_is_that_of_the_newest_whole_state(two: Path, folder: Path) -> None:
    write_state(folder / "step-000003", {"step": 3, "elapsed_s": 30.0})
    write_state(two, {"step": 6, "elapsed_s": 60.0})
    assert elapsed_before(folder) == 60
    data = (two / "state.json").read_bytes()
    (two / "state.json").write_bytes(data.replace(b"60.0", b"90.0"))
    assert elapsed_before(folder) == 30


def test_a_state_with_other_fields_of_another_version_is_read(two: Path, folder: Path) -> None:
    write_state(two, {"step": 6, "tokens": 77, "of a later version": [1, 2]})
    assert latest(folder).state == NEWEST


def test_a_damaged_one_is_written_anew(two: Path, folder: Path, preparation: Preparation) -> None:
    (two / "state.json").write_text("")
    save_checkpoint(folder, preparation.training, TrainingState(step=6, tokens=78))
    assert latest(folder).state.tokens == 78


def test_a_full_disk_leaves_the_earlier_ones_and_no_half_one(
    two: Path, folder: Path, preparation: Preparation, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = names(folder)

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files, "sync_file", full)
    with pytest.raises(OSError, match="space"):
        save_checkpoint(folder, preparation.training, TrainingState(step=9))
    assert names(folder) == before
    assert latest(folder).state.step == 6


def test_the_mean_of_no_losses_is_zero() -> None:
    assert TrainingState(step=0).train_loss == 0
    assert TrainingState(step=2, recent_losses=(1.0, 2.0)).train_loss == 1.5


def test_a_gain_is_a_lower_loss_than_before() -> None:
    assert not TrainingState(step=2).has_no_gain
    assert not TrainingState(step=2, base_valid_loss=2.0, valid_loss=1.9).has_no_gain
    assert TrainingState(step=2, base_valid_loss=2.0, valid_loss=2.0).has_no_gain
