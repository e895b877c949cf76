"""What earlier runs measured: the memory that a training of a base model really took here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec

PLAN, SPEC = "plan.json", "spec.json"

_MOST_RUNS = 50


@dataclass(frozen=True)
class Measured:
    """The most memory in use during the measured steps, in bytes, and when that was (Unix time).

    longest_row: tokens of the longest piece of text in them.
    """

    peak_bytes: int
    longest_row: int
    at: float


class _Way(msgspec.Struct):
    longest_row: int = 512


class _Plan(msgspec.Struct):
    peak_bytes: int
    memory_way: _Way | None = None


class _Spec(msgspec.Struct):
    model: str


def measured_memory(runs: Path) -> dict[str, Measured]:
    """The latest measurement of each base model, by its name; `runs` is the folder of all runs.

    Looks at the newest fifty runs; those that cannot be read are passed over.
    """
    found: dict[str, Measured] = {}
    for folder in _newest(runs):
        try:
            spec = msgspec.json.decode((folder / SPEC).read_bytes(), type=_Spec)
            plan = msgspec.json.decode((folder / PLAN).read_bytes(), type=_Plan)
            at = (folder / PLAN).stat().st_mtime
        except (OSError, UnicodeDecodeError, RecursionError, msgspec.DecodeError):
            continue
        if spec.model not in found and plan.peak_bytes > 0:
            way = plan.memory_way or _Way()
            found[spec.model] = Measured(plan.peak_bytes, way.longest_row, at)
    return found


def _newest(runs: Path) -> list[Path]:
    """The folders of runs, the newest first: their names begin with the time."""
    try:
        return sorted(runs.iterdir(), reverse=True)[:_MOST_RUNS]
    except OSError:
        return []
