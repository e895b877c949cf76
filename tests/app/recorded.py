"""Stand-ins that tests of the window share: a worker without a model, and a run's events."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from app.chat.page import ChatPage
from mlx_backend import protocol
from mlx_backend.jobs import JobFolder

RunMaker = Callable[..., JobFolder]
ChatMaker = Callable[[], ChatPage]

STAND_IN_WORKER = (sys.executable, str(Path(__file__).with_name("stand_in_worker.py")))

PLAN = {
    "samples": 240,
    "steps": 600,
    "peak_bytes": 2_100_000_000,
    "minutes": 12.4,
    "fits": True,
    "notes": 25,
}
SERVER = {"address": "http://127.0.0.1:8717/v1", "token": "overnight-x1", "model": "starter"}
STAND_IN_SERVER = (
    sys.executable,
    "-c",
    f"import sys; print({json.dumps(json.dumps(SERVER))}, flush=True); sys.stdin.read()",
)
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


def record_job(
    parent: Path,
    spec: protocol.JobSpec,
    events: Iterable[protocol.JobEvent],
    job_id: str | None = None,
) -> JobFolder:
    """A job's folder in `parent` with these events; it appears there only when it is whole.

    Otherwise a window that is open already might read the first of them and show these.
    """
    beside = parent.parent / "recording"
    beside.mkdir(exist_ok=True)
    folder = JobFolder.create(beside, spec, job_id)
    folder.events_path.write_bytes(b"".join(map(protocol.encode_line, events)))
    return JobFolder(folder.path.rename(parent / folder.id))


def long_night(events: int) -> Iterator[protocol.JobEvent]:
    """So many events of a run, of every kind that a run sends while it trains."""
    step = 0
    for number in range(events):
        make = _NOW_AND_THEN.get(number % 200)
        if make is None:
            step += 1
            yield _step_of_many(step, events)
        else:
            yield make(step)


_NOW_AND_THEN: dict[int, Callable[[int], protocol.JobEvent]] = {
    50: lambda step: protocol.Evaluated(step=step, loss=2.0 + 1 / (step + 1), best=True),
    51: lambda step: protocol.CheckpointSaved(step=step),
    52: lambda step: protocol.Spoke(step=step, prompt="Who?", text=f"A bird, at {step}. " * 8),
    53: lambda step: protocol.EnergyUsed(watt_hours=step / 1000, how="estimated"),
    54: lambda step: protocol.StepSkipped(step=step),
    55: lambda step: protocol.AttemptEnded(ending="crash", step=step, text=f"At {step}. " * 8),
    56: lambda step: protocol.Started(pid=1, resumed_from=step),
    57: lambda step: protocol.Waiting(reason="battery", text="The computer is on its battery."),
    58: lambda step: protocol.WaitOver(),
    59: lambda step: protocol.Notice(text=f"Going on from the checkpoint at step {step}."),
    60: lambda step: protocol.RolledBack(step=step, rate=0.5),
    150: lambda step: protocol.Evaluated(step=step, loss=2.0 + 1 / (step + 1), best=True),
    151: lambda step: protocol.CheckpointSaved(step=step),
}


def _step_of_many(step: int, steps: int) -> protocol.StepDone:
    return protocol.StepDone(
        step=step,
        steps=steps,
        loss=1.0 + 3.0 / (1 + step / 5000) + 0.2 * math.sin(step * 12.9898),
        learning_rate=1e-3,
        tokens_per_second=98.0,
        peak_bytes=2_100_000_000,
        elapsed_s=step * 0.03,
        remaining_s=(steps - step) * 0.03,
        remaining_error_s=600.0,
    )
