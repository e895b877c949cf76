"""Training an 8-billion-parameter shape in 4 bits on a GPU, Metal or CUDA, beside mlx-lm's trainer.

OVERNIGHT_BENCHMARK_SHAPE=tiny tries it with a small shape, without a GPU too.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from mlx_backend.machine import accelerator
from tests.benchmarks.gpu_trainers import WAYS, Measured

ROOT = Path(__file__).parents[2]
SHAPE = os.environ.get("OVERNIGHT_BENCHMARK_SHAPE", "8B")


def train(how: str) -> Measured:
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.gpu_trainers", how, SHAPE],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        check=True,
    )
    return msgspec.json.decode(done.stdout.splitlines()[-1], type=Measured)


@pytest.mark.benchmark
@pytest.mark.timeout(3600)
def test_a_large_model_in_four_bits_beside_mlx_lm() -> None:
    accelerator.prepare()
    if SHAPE == "8B" and not accelerator.has_gpu():
        pytest.skip("MLX has no GPU here")
    measured = {how: train(how) for how in WAYS}
    base = measured["mlx-lm"]
    print(f"\n{SHAPE} in 4 bits, {base.weight_bytes / 1e9:.1f} GB of weights, rank-16 LoRA")
    for how, one in measured.items():
        speed, base_speed = one.tokens / one.seconds, base.tokens / base.seconds
        print(
            f"{how:22} {speed:8.0f} tokens/s ({speed / base_speed:.2f} times mlx-lm),"
            f" peak {one.peak_bytes / 1e9:.2f} GB ({one.peak_bytes / base.peak_bytes:.2f})"
        )
    ours = measured["overnight"]
    assert ours.tokens / ours.seconds > base.tokens / base.seconds
