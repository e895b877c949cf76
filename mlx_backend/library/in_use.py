"""Which adapters and models running jobs need, so that nobody removes them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from mlx_backend import protocol
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.library.adapters import find_adapter
from mlx_backend.library.home import Library
from mlx_backend.locks import is_held

_STARTING_S = 20.0
_Needing = protocol.TrainSpec | protocol.ExportSpec | protocol.PublishSpec


def require_unused(library: Library, kind: Literal["adapter", "model"], name: str) -> None:
    """Raise OvernightError when a running job needs this adapter or base model."""
    for folder, spec in _under_way(library):
        if name not in _needs(library, spec)[kind]:
            continue
        what = "adapter" if kind == "adapter" else "base model"
        if isinstance(spec, protocol.ExportSpec):
            raise OvernightError(
                ErrorKind.BUSY,
                f"The {what} “{name}” is being exported.",
                "Wait until the export is done, or cancel it, then try again.",
            )
        if isinstance(spec, protocol.PublishSpec):
            raise OvernightError(
                ErrorKind.BUSY,
                f"The {what} “{name}” is needed for what is being published.",
                "Wait until that is done, or cancel it, then try again.",
            )
        raise OvernightError(
            ErrorKind.BUSY,
            f"The training of “{spec.name}” needs the {what} “{name}”.",
            f"Wait until it is done, or stop it first: `overnight stop {folder.name}`.",
        )


def _under_way(library: Library) -> Iterator[tuple[Path, _Needing]]:
    for parent in (library.runs, library.jobs):
        for path in parent.glob("*/spec.json"):
            if not _is_under_way(path):
                continue
            try:
                spec = protocol.decode_spec(path.read_bytes())
            except (OSError, OvernightError):
                continue
            if isinstance(spec, _Needing):
                yield path.parent, spec


def _is_under_way(spec: Path) -> bool:
    """Whether a process works on a job, or was launched for it a moment ago."""
    lock = spec.with_name("lock")
    try:
        is_new = not lock.exists() and time.time() - spec.stat().st_mtime < _STARTING_S
        return is_new or is_held(lock)
    except OSError:
        return False


def _needs(library: Library, spec: _Needing) -> dict[Literal["adapter", "model"], set[str]]:
    """The names of the adapters and the models that a job needs."""
    name, adapter_id = (
        (spec.start_from or "", spec.start_from_id)
        if isinstance(spec, protocol.TrainSpec)
        else (spec.name, spec.adapter)
    )
    models = {spec.model} if isinstance(spec, protocol.TrainSpec) else set()
    try:
        adapter = find_adapter(library.adapters, adapter_id, name)
    except OvernightError:
        return {"adapter": {name}, "model": models}
    return {"adapter": {adapter.name}, "model": models | {adapter.card.base}}
