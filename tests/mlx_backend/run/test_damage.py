"""Checkpoints that a disk gave back other than they were written."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from mlx_backend.run.preparation import Preparation
from mlx_backend.training.checkpoints import TrainingState, latest_checkpoint, save_checkpoint

DAMAGES = 200

Damage = Callable[[bytes, random.Random], bytes]


def flip_a_bit(data: bytes, chosen: random.Random) -> bytes:
    damaged = bytearray(data)
    damaged[chosen.randrange(len(data))] ^= 1 << chosen.randrange(8)
    return bytes(damaged)


def cut_off(data: bytes, chosen: random.Random) -> bytes:
    return data[: chosen.randrange(len(data))]


def zero_a_block(data: bytes, chosen: random.Random) -> bytes:
    """As a drive without power left it: the length is right, a block was never written."""
    start = chosen.randrange(len(data))
    return data[:start] + bytes(len(data[start : start + 4096])) + data[start + 4096 :]


@pytest.mark.parametrize("damage", [flip_a_bit, cut_off, zero_a_block])
def test_a_damaged_checkpoint_always_falls_back(
    tmp_path: Path, preparation: Preparation, damage: Damage
) -> None:
    older = TrainingState(step=3, tokens=30)
    save_checkpoint(tmp_path, preparation.training, older)
    newest = TrainingState(step=6, tokens=60)
    path = save_checkpoint(tmp_path, preparation.training, newest)
    chosen = random.Random(7)
    for _ in range(DAMAGES):
        file = chosen.choice(sorted(path.iterdir()))
        data = file.read_bytes()
        file.write_bytes(damage(data, chosen))
        found, passed_over = latest_checkpoint(tmp_path)
        # Damage may hit what carries no meaning, such as a space; then it is the newest, whole.
        assert found is not None
        assert found.state in (older, newest)
        if file.suffix == ".safetensors" and file.read_bytes() != data:
            assert found.state == older
            assert passed_over == [path.name]
        file.write_bytes(data)
    assert latest_checkpoint(tmp_path)[1] == []
