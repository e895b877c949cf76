"""Decides whether a training fits into memory: now, later (the run waits), or never."""

from __future__ import annotations

import mlx.core as mx
import psutil

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.jobs.memory_wait import NoRoomYet
from mlx_backend.library.this_machine import NEARLY_ALL
from mlx_backend.machine.accelerator import has_gpu
from mlx_backend.run.plan import RunPlan, memory_available


def check_fit(plan: RunPlan, waits: bool) -> None:
    """Raise OvernightError where the memory is too small: MLX might crash the process.

    The error is NoRoomYet where the run `waits` until other programs free their memory.
    """
    if plan.fits:
        return
    if plan.peak_bytes > most_memory():
        raise _never(plan)
    if waits:
        raise NoRoomYet(plan.peak_bytes, plan.machine_bytes)
    raise OvernightError(
        ErrorKind.NO_MEMORY,
        f"{_need(plan)}, and {plan.machine_bytes / 1e9:.1f} GB are free.",
        f"Close other large programs, or {_advice(plan)}, then go on.",
    )


def check_room(plan: RunPlan, could_take_less: bool) -> None:
    """Raise NoRoomYet where a training that was planned to fit does not fit at this moment."""
    free = memory_available()
    if free < plan.peak_bytes <= most_memory():
        raise NoRoomYet(plan.peak_bytes, free, could_take_less)


def most_memory() -> int:
    """The most memory (bytes) that a training can have here when hardly anything else runs."""
    nearly = NEARLY_ALL * psutil.virtual_memory().total
    if not has_gpu():
        return int(nearly)
    gpu = mx.device_info()
    if "free_memory" in gpu:  # a card with memory of its own
        return int(NEARLY_ALL * int(gpu.get("total_memory") or gpu["memory_size"]))
    return int(min(nearly, int(gpu.get("max_recommended_working_set_size") or nearly)))


def _never(plan: RunPlan) -> OvernightError:
    return OvernightError(
        ErrorKind.NO_MEMORY,
        f"{_need(plan)}. That is more than this machine can give:"
        f" {most_memory() / 1e9:.1f} GB at most.",
        f"Start a new run, and {_advice(plan)}.",
    )


def _need(plan: RunPlan) -> str:
    return f"This training needs about {plan.peak_bytes / 1e9:.1f} GB of memory even {plan.way}"


def _advice(plan: RunPlan) -> str:
    if plan.instead:
        return f"choose the base model '{plan.instead}', which would fit"
    return "choose a smaller base model"
