"""Exports of adapters to other programs, verified by loading them as these would."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import mlx.core as mx
from mlx_lm.tuner.utils import load_adapters as mlx_lm_load_adapters

from mlx_backend.adapters.filing import is_same_answer
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.files import write_folder_atomically
from mlx_backend.library.adapters import CONFIG, WEIGHTS, Adapter, read_adapter
from mlx_backend.library.home import Library
from mlx_backend.machine.arrays import largest_difference
from mlx_backend.models import lora
from mlx_backend.models.base_model import LoadedModel, base_for, load_base_model
from mlx_backend.protocol import Turn

_PROBES = (
    "What do my notes say?",
    "Tell me something that I wrote down.",
    "Where did I put it, and when was that?",
)


class _Stopped(Exception):
    """Raised to stop the export while its folder is written, so that nothing is kept of it."""


def export_mlx(
    library: Library, name: str, to: Path, stop_requested: Callable[[], bool] = lambda: False
) -> dict[str, object] | None:
    """Write an adapter as a folder for mlx-lm, and compare its logits in mlx-lm with ours.

    Returns `files`, `verified` and `max_logit_difference`; None if it was stopped. Raises
    OvernightError when the adapter is unknown or damaged, its base is missing, `to` already holds
    something, or the copy has other logits. If this returns no files, nothing is left at `to`.
    """
    adapter = read_adapter(library.adapters, name)
    target = to.expanduser().absolute()
    if target.is_dir() and not any(target.iterdir()):
        target.rmdir()
    if target.exists():
        raise OvernightError(
            ErrorKind.BAD_INPUT,
            f"There is already something at {target}.",
            "Choose a new folder for the export.",
        )
    loaded = load_base_model(library, base_for(library, [adapter], adapter.card.base))
    difference = 0.0

    def fill(beside: Path) -> None:
        nonlocal difference
        for file in (WEIGHTS, CONFIG, "README.md"):
            if (adapter.path / file).is_file():
                shutil.copyfile(adapter.path / file, beside / file)
        if not stop_requested():
            difference = _difference(loaded, adapter, beside)
        if stop_requested():
            raise _Stopped

    try:
        write_folder_atomically(target, fill)
    except _Stopped:
        return None
    return {
        "adapter": name,
        "format": "mlx",
        "files": [str(file) for file in sorted(target.iterdir())],
        "verified": True,
        "max_logit_difference": difference,
    }


def _difference(loaded: LoadedModel, adapter: Adapter, copy: Path) -> float:
    """The largest difference of a logit between our loading and mlx-lm's of the `copy`.

    Raises OvernightError if it is more than rounding.
    """
    form = loaded.form
    probes = [mx.array([form.prompt([Turn(role="user", text=text)])]) for text in _PROBES]
    lora.apply_adapters(loaded.model, [(adapter, 1.0)])
    ours = [loaded.model(probe) for probe in probes]
    mx.eval(ours)
    lora.detach(loaded.model)
    mlx_lm_load_adapters(loaded.model, str(copy))
    loaded.model.eval()
    theirs = [loaded.model(probe) for probe in probes]
    pairs = list(zip(ours, theirs, strict=True))
    difference = max(largest_difference(a, b) for a, b in pairs)
    if not all(is_same_answer(b, a) for a, b in pairs):
        raise OvernightError(
            ErrorKind.ADAPTER_DAMAGED,
            f"The export of '{adapter.card.name}' does not answer as the adapter does.",
            "Nothing was kept at the target. Check the disk and export again.",
            f"largest difference of a logit: {difference}",
        )
    return difference
