"""Export as a bundle: one file with the adapter in two forms, its page, licences and figures."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from mlx_backend.adapters.answers import answers_of, difference
from mlx_backend.adapters.bundles.manifest import (
    BundledAdapter,
    BundledBase,
    ExamFigures,
    Manifest,
)
from mlx_backend.adapters.bundles.packing import pack
from mlx_backend.adapters.bundles.signing import SigningKey
from mlx_backend.adapters.bundles.unpacking import take
from mlx_backend.adapters.exports.comparing import check_same_change
from mlx_backend.adapters.exports.mlx_folder import write_mlx
from mlx_backend.adapters.exports.peft_folder import why_not_peft, write_peft
from mlx_backend.adapters.exports.source import ExportSource
from mlx_backend.adapters.licence_texts import write_licences
from mlx_backend.files import write_atomically
from mlx_backend.library.adapters import CONFIG, WEIGHTS, AdapterCard
from mlx_backend.library.model_sources import hub_source
from mlx_backend.library.models import ModelCard
from mlx_backend.models import lora
from mlx_backend.models.lora_factors import factors_in

_PAGE = "README.md"


def write_bundle(
    source: ExportSource,
    to: Path,
    exam: ExamFigures | None,
    key: SigningKey | None,
    stop_requested: Callable[[], bool],
) -> float:
    """Write the bundle to the new file `to`, take it apart again, and compare.

    Returns the largest difference of a logit; raises OvernightError if it is more than rounding.
    PEFT's form is left out where there is none.
    """
    # Where the system clears away what a killed process leaves, not in the person's folder.
    with tempfile.TemporaryDirectory(prefix="overnight-bundle-") as name:
        folder = Path(name)
        write_atomically(folder / _PAGE, source.page.encode())
        write_licences(source.loaded.info, folder)
        largest = _write_forms(source, folder)
        pack(folder, _manifest(source, exam), key, to, stop_requested)
        return largest if stop_requested() else max(largest, _read_back(source, to, folder))


def _write_forms(source: ExportSource, folder: Path) -> float:
    mlx, peft = folder / "mlx", folder / "peft"
    mlx.mkdir()
    largest = write_mlx(source, mlx)
    if not why_not_peft(source):
        peft.mkdir()
        largest = max(largest, write_peft(source, peft))
    return largest


def _read_back(source: ExportSource, bundle: Path, folder: Path) -> float:
    again = folder / "again"
    again.mkdir()
    sizes = sum(path.stat().st_size for path in (folder / "mlx").iterdir())
    take(bundle, {f"mlx/{name}": again / name for name in (WEIGHTS, CONFIG)}, sizes)
    found = factors_in(again)
    check_same_change(source, found)
    lora.apply_factors(source.loaded.model, found)
    try:
        return difference(source.name, source.answers, answers_of(source.loaded))
    finally:
        lora.detach(source.loaded.model)


def _manifest(source: ExportSource, exam: ExamFigures | None) -> Manifest:
    return Manifest(
        name=source.name,
        base=_bundled_base(source.loaded.info.card),
        adapter=_bundled_adapter(source.adapter.card),
        licence=source.licence,
        exam=exam,
    )


def _bundled_base(card: ModelCard) -> BundledBase:
    hub = hub_source(card)
    return BundledBase(
        title=card.title,
        sha256=card.sha256,
        repository=hub.repository,
        commit=hub.commit,
        licence=card.licence,
    )


def _bundled_adapter(card: AdapterCard) -> BundledAdapter:
    return BundledAdapter(
        **{name: getattr(card, name) for name in BundledAdapter.__struct_fields__}
    )
