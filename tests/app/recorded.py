"""Stand-ins that tests of the window share: a worker without a model, and a run's events."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

from mlx_backend import protocol
from mlx_backend.jobs import JobFolder

RunMaker = Callable[..., JobFolder]

STAND_IN_WORKER = (sys.executable, str(Path(__file__).with_name("stand_in_worker.py")))

PLAN = {
    "samples": 240,
    "steps": 600,
    "peak_bytes": 2_100_000_000,
    "minutes": 12.4,
    "fits": True,
    "notes": 25,
}
STAND_IN_PLANNER = (sys.executable, "-c", f"print({json.dumps(json.dumps(PLAN))})")


def step_done(step: int) -> protocol.StepDone:
    return protocol.StepDone(
        step=step,
        steps=100,
        loss=4.0 / step**0.5,
        learning_rate=1e-3,
        tokens_per_second=98.0,
        peak_bytes=2_100_000_000,
        elapsed_s=step * 1.5,
        remaining_s=(100 - step) * 1.5,
    )
