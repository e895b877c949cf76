"""What a person calls an adapter among their own is in no export of it."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from mlx_backend.adapters.exports.exporting import ExportOrder, export_adapter
from mlx_backend.library import Library
from mlx_backend.library.adapter_tags import set_tags
from mlx_backend.models.base_model import LoadedModel
from mlx_backend.protocol import ExportForm
from tests.mlx_backend.made import make_adapter

_TAG = "zebrafinch"


@pytest.mark.parametrize("form", ["mlx", "peft", "gguf", "fused", "bundle"])
def test_no_export_has_tags(
    tiny_library: Library, loaded: LoadedModel, tmp_path: Path, form: ExportForm
) -> None:
    make_adapter(tiny_library.adapters, loaded, "Garden", 1)
    set_tags(tiny_library, "Garden", (_TAG,))
    to = tmp_path / "out"
    assert export_adapter(tiny_library, ExportOrder("Garden", form, to)) is not None
    files = [to] if to.is_file() else [path for path in to.rglob("*") if path.is_file()]
    data = [path.read_bytes() for path in files]
    if form == "bundle":
        with zipfile.ZipFile(to) as bundle:
            data += [bundle.read(name) for name in bundle.namelist()]
    assert data
    assert not any(_TAG.encode() in each for each in data)
