"""Leads an export: the adapter in the form that is asked for, whole and compared, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from mlx_backend.adapters.bundles.manifest import ExamFigures
from mlx_backend.adapters.bundles.signing import read_key
from mlx_backend.adapters.exports.bundle_file import write_bundle
from mlx_backend.adapters.exports.fused_folder import Fused, write_fused
from mlx_backend.adapters.exports.gguf_folder import write_gguf_folder
from mlx_backend.adapters.exports.mlx_folder import write_mlx
from mlx_backend.adapters.exports.peft_folder import write_peft
from mlx_backend.adapters.exports.source import ExportSource, source_of
from mlx_backend.adapters.exports.target import free_target
from mlx_backend.adapters.hub_card import CardWords, adapter_card
from mlx_backend.adapters.licence_texts import write_licences
from mlx_backend.adapters.night_report import report_of
from mlx_backend.adapters.privacy.gate import Leaving, Watcher
from mlx_backend.adapters.privacy.kept_pages import held_back, remembered, told, with_files
from mlx_backend.adapters.privacy.shown_pages import page_id
from mlx_backend.catalogue.adapter_licences import adapter_licence
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.files import write_atomically, write_file_atomically, write_folder_atomically
from mlx_backend.jobs.lane import Turn, in_the_lane
from mlx_backend.library import database
from mlx_backend.library.adapters import Adapter, find_adapter, read_adapter
from mlx_backend.library.home import Library
from mlx_backend.models.base_model import LoadedModel, base_for, load_base_model
from mlx_backend.protocol import ExportForm, JobEvent
from mlx_backend.protocol.privacy import PrivacyPage

_PAGE = "README.md"


@dataclass(frozen=True)
class ExportOrder:
    """What is asked for.

    bits: 4, 6 or 8 to round the weights of a whole model; 0: as they are. despite_pages: as in
    `PublishSpec`.
    """

    name: str
    form: ExportForm
    to: Path
    bits: int = 0
    despite_pages: Collection[str] = ()


class _Stopped(Exception):
    """Raised to stop the export while it is written, so that nothing is kept of it."""


def export_adapter(
    library: Library,
    order: ExportOrder,
    stop_requested: Callable[[], bool] = lambda: False,
    on_progress: Callable[[str, int, int], object] = lambda *_: None,
    tell: Callable[[JobEvent], object] = lambda _: None,
    asks_for_memory: bool = False,
) -> dict[str, object] | None:
    """Write an adapter in a form for other programs, read that back, and compare its logits.

    Before it is written, the privacy gate tests what the adapter remembers; where it finds
    something, nothing is written, and the result is `held_back` with the page as `privacy`, unless
    the person has seen that very page and wants it all the same. Then the gate looks through the
    files. Returns `files`, `verified`, `max_logit_difference` and `privacy`; None if it was
    stopped. Raises OvernightError when the adapter is unknown or damaged, its base is missing,
    there is something at the target, there is no such form of it, what was written answers
    otherwise, or it holds something private. If this returns no files, nothing is left there. It
    waits for the lane; `tell` gets the events of that, and `asks_for_memory` is as in `Turn`.
    """
    _check_bits(order)
    adapter = read_adapter(library.adapters, order.name)
    free_target(order.to, order.form)
    base = base_for(library, [adapter], adapter.card.base)
    watcher = Watcher(on_progress, stop_requested)
    try:
        turn = Turn(tell, partial(_stop_if_asked, watcher), asks_for_memory)
        with in_the_lane(library, turn, base):
            # Meanwhile it may have got another name.
            adapter = find_adapter(library.adapters, adapter.card.id, adapter.name)
            return _exported(library, order, adapter, load_base_model(library, base), watcher)
    except _Stopped:
        return None


def _stop_if_asked(watcher: Watcher) -> None:
    if watcher.stop_requested():
        raise _Stopped


def _exported(
    library: Library, order: ExportOrder, adapter: Adapter, loaded: LoadedModel, watcher: Watcher
) -> dict[str, object]:
    """Test it and write it, in the lane. Raises _Stopped."""
    target = free_target(order.to, order.form)
    page_text = _page(library, adapter, loaded, order.form)
    source = source_of(adapter, loaded, page_text, _licence(loaded))
    with database.opened(library.database) as connection:
        page = remembered(library, connection, adapter, loaded, watcher)
    _stop_if_asked(watcher)
    if not (page.is_clear or page_id(adapter, page) in order.despite_pages):
        return held_back(adapter, page)
    outcome = Fused(0.0)

    def fill(beside: Path) -> None:
        nonlocal outcome, page
        outcome = _written(library, source, order, beside, watcher.stop_requested)
        _stop_if_asked(watcher)
        page = _looked_through(library, adapter, page, beside, watcher)
        _stop_if_asked(watcher)

    if order.form == "bundle":
        write_file_atomically(target, fill)
    else:
        write_folder_atomically(target, fill, over_empty=True)
    return _result(order, target, outcome) | {"privacy": told(page)}


def _check_bits(order: ExportOrder) -> None:
    if order.bits and order.form != "fused":
        raise OvernightError(
            ErrorKind.BAD_INPUT,
            "Only the weights of a whole model can be rounded to fewer bits.",
            "Export it as a whole model (fused), or without a number of bits.",
        )


def _page(library: Library, adapter: Adapter, loaded: LoadedModel, form: ExportForm) -> str:
    """The page beside the adapter; it says of the notes nothing but their number."""
    forms = {"bundle": ("mlx", "peft"), "fused": ()}.get(form, (form,))
    words = CardWords(licence=_licence(loaded), formats=forms)
    return adapter_card(adapter.card, loaded.info, report_of(library, adapter), words)


def _licence(loaded: LoadedModel) -> str:
    """The adapter's licence, as far as it follows from the base's."""
    return adapter_licence(loaded.info.card.licence).default or ""


def _looked_through(
    library: Library, adapter: Adapter, page: PrivacyPage, written: Path, watcher: Watcher
) -> PrivacyPage:
    """The page with what is found in the files that were written.

    Raises OvernightError where they hold what should be in none; nothing is kept then.
    """
    key = read_key(library)
    leaving = Leaving([written], [key.by] if key is not None else [])
    with database.opened(library.database) as connection:
        page = with_files(library, connection, adapter, page, leaving, watcher)
    if page.hits:
        hit = page.hits[0]
        raise OvernightError(
            ErrorKind.PRIVATE,
            f"“{adapter.name}” was not exported: {hit.what} would stand in {Path(hit.file).name}.",
            "Nothing was kept. Rename the adapter if its name gives it away, then export again.",
            "\n".join(f"{each.file}, {each.where}: {each.what}" for each in page.hits),
        )
    return page


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
    write_licences(source.loaded.info, beside)
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
    report = report_of(library, adapter)
    if report is None or not report.exam.asked:
        return None
    exam = report.exam
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
