"""The report of the night that made an adapter."""

from __future__ import annotations

from pathlib import Path

from mlx_backend.library.adapters import Adapter
from mlx_backend.library.bounded_json import read_object
from mlx_backend.library.home import Library
from mlx_backend.protocol import RunReport, read_report

_LARGEST_REPORT = 64 << 20  # bytes


def report_of(library: Library, adapter: Adapter) -> RunReport | None:
    """The report of the run that made an adapter; None where it is not there any more."""
    run = adapter.card.run
    if not run or Path(run).name != run or run.startswith("."):
        return None
    try:
        return read_report(read_object(library.runs / run / "report.json", _LARGEST_REPORT))
    except (OSError, ValueError, RecursionError):
        return None
