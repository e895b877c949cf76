"""The memory that a trial may take, from what a model's files say of themselves."""

from __future__ import annotations

from pathlib import Path

import mlx.core as mx
import psutil
import pytest

from mlx_backend.adoption.trial import memory
from mlx_backend.adoption.trial.memory import ALLOWANCE, limit_for, weights_in_memory


def model_of(folder: Path, config: str, **tensors: mx.array) -> Path:
    mx.save_safetensors(str(folder / "model.safetensors"), tensors)
    (folder / "config.json").write_text(config)
    return folder


@pytest.mark.parametrize(
    ("dtype", "factor"), [(mx.float32, 1), (mx.float16, 2), (mx.bfloat16, 2), (mx.uint8, 4)]
)
def test_on_a_processor_everything_becomes_float32(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dtype: mx.Dtype, factor: int
) -> None:
    monkeypatch.setattr(memory, "has_gpu", lambda: False)
    array = mx.zeros((64, 64), dtype)
    assert weights_in_memory(model_of(tmp_path, "{}", w=array)) == factor * array.nbytes


@pytest.mark.parametrize(
    ("config", "factor"),
    [
        ('{"quantization": {"bits": 4}}', 8),
        ('{"quantization": {"bits": 8, "model.embed": {"bits": 2}}}', 16),
        ("{}", 8),
        ('{"quantization": {"bits": true}}', 8),
        ('{"quantization": {"bits": 0}}', 8),
    ],
)
def test_packed_weights_become_as_many_numbers_as_the_fewest_bits_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config: str, factor: int
) -> None:
    monkeypatch.setattr(memory, "has_gpu", lambda: False)
    packed = mx.zeros((64, 8), mx.uint32)
    assert weights_in_memory(model_of(tmp_path, config, w=packed)) == factor * packed.nbytes


def test_on_a_gpu_they_stay_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "has_gpu", lambda: True)
    packed = mx.zeros((64, 8), mx.uint32)
    assert weights_in_memory(model_of(tmp_path, "{}", w=packed)) == packed.nbytes


def test_the_limit_leaves_room_for_a_step_but_not_more_than_is_free() -> None:
    assert limit_for(10**6) <= 10**6 + 10**6 // 2 + ALLOWANCE
    assert limit_for(10**15) < psutil.virtual_memory().total
