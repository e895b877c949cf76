"""Leads an export: the adapter in the form that is asked for, whole and compared, or nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mlx_backend.adapters.bundles.manifest import ExamFigures
from mlx_backend.adapters.bundles.signing import read_key
from mlx_backend.adapters.exports.bundle_file import write_bundle
from mlx_backend.adapters.exports.fused_folder import Fused, write_fused
from mlx_backend.adapters.exports.gguf_folder import write_gguf_folder
from mlx_backend.adapters.exports.mlx_folder import write_mlx
from mlx_backend.adapters.exports.peft_folder import write_peft
from mlx_backend.adapters.exports.source import ExportSource, source_of
from mlx_backend.adapters.filing import adapter_readme
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.files import write_atomically, write_file_atomically, write_folder_atomically
from mlx_backend.library.adapters import Adapter, read_adapter
from mlx_backend.library.bounded_json import read_object
from mlx_backend.library.home import Library
from mlx_backend.models.base_model import base_for, load_base_model
from mlx_backend.protocol import ExportForm
from mlx_backend.protocol.report import read_report

_PAGE = "README.md"


@dataclass(frozen=True)
class ExportOrder:
    """What is asked for. bits: 4, 6 or 8 to round the weights of a whole model; 0: as they are."""

    name: str
    form: ExportForm
    to: Path
    bits: int = 0


class _Stopped(Exception):
    """Raised to stop the export while it is written, so that nothing is kept of it."""


def export_adapter(
    library: Library, order: ExportOrder, stop_requested: Callable[[], bool] = lambda: False
) -> dict[str, object] | None:
    """Write an adapter in a form for other programs, read that back, and compare its logits.

    Returns `files`, `verified` and `max_logit_difference`; None if it was stopped. Raises
    OvernightError when the adapter is unknown or damaged, its base is missing, there is something
    at the target, there is no such form of it, or what was written answers otherwise. If this
    returns no files, nothing is left at the target.
    """
    adapter = read_adapter(library.adapters, order.name)
    target = _free_target(order)
    loaded = load_base_model(library, base_for(library, [adapter], adapter.card.base))
    source = source_of(adapter, loaded, adapter_readme(adapter.card))
    outcome = Fused(0.0)

    def fill(beside: Path) -> None:
        nonlocal outcome
        if not stop_requested():
            outcome = _written(library, source, order, beside, stop_requested)
        if stop_requested():
            raise _Stopped

    try:
        write = write_file_atomically if order.form == "bundle" else write_folder_atomically
        write(target, fill)
    except _Stopped:
        return None
    return _result(order, target, outcome)


def _free_target(order: ExportOrder) -> Path:
    """Where the export goes. Raises OvernightError when there is something."""
    target = order.to.expanduser().absolute()
    is_folder = order.form != "bundle"
    if is_folder and target.is_dir() and not any(target.iterdir()):
        target.rmdir()
    if target.exists() or target.is_symlink():
        raise OvernightError(
            ErrorKind.BAD_INPUT,
            f"There is already something at {target}.",
            f"Choose a new {'folder' if is_folder else 'file'} for the export.",
        )
    return target


def _written(
    library: Library,
    source: ExportSource,
    order: ExportOrder,
    beside: Path,
    stop_requested: Callable[[], bool],
) -> Fused:
    """Write it into the folder (or to the file) `beside`; returns how it answers."""
    if order.form == "bundle":
        exam = exam_figures(library, source.adapter)
        return Fused(write_bundle(source, beside, exam, read_key(library), stop_requested))
    write_atomically(beside / _PAGE, source.page.encode())
    match order.form:
        case "mlx":
            return Fused(write_mlx(source, beside))
        case "peft":
            return Fused(write_peft(source, beside))
        case "gguf":
            return Fused(write_gguf_folder(source, beside))
        case "fused":
            return write_fused(source, beside, order.bits)


def exam_figures(library: Library, adapter: Adapter) -> ExamFigures | None:
    """What the run that trained it found in its exam; None where that is not known any more."""
    report = library.runs / adapter.card.run / "report.json"
    try:
        exam = read_report(read_object(report)).exam
    except (OSError, ValueError, RecursionError):
        return None
    if not exam.asked:
        return None
    return ExamFigures(asked=exam.asked, before=exam.before, after=exam.after)


def _result(order: ExportOrder, target: Path, outcome: Fused) -> dict[str, object]:
    files = sorted(target.rglob("*")) if target.is_dir() else [target]
    result: dict[str, object] = {
        "adapter": order.name,
        "format": order.form,
        "files": [str(file) for file in files if file.is_file()],
        "verified": True,
        "max_logit_difference": outcome.difference,
    }
    if order.form == "fused":
        result["same_choice"] = outcome.same_choice
    return result
