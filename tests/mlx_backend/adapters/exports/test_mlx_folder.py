from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from mlx_lm.utils import load

from mlx_backend import files
from mlx_backend.adapters.exports.exporting import ExportOrder, export_adapter
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.library import Library
from mlx_backend.library.adapters import WEIGHTS, Adapter
from mlx_backend.models import lora
from mlx_backend.models.base_model import LoadedModel
from mlx_backend.models.lora import LoraShape
from tests.mlx_backend.arrays import largest_difference, logits
from tests.mlx_backend.made import make_adapter
from tests.mlx_backend.tiny import write_tiny_model

IDS = [1, 50, 60, 70]


def export_mlx(
    library: Library, name: str, to: Path, stop_requested: Callable[[], bool] = lambda: False
) -> dict[str, object] | None:
    return export_adapter(library, ExportOrder(name, "mlx", to), stop_requested)


@pytest.fixture
def adapter(tiny_library: Library, loaded: LoadedModel) -> Adapter:
    return make_adapter(tiny_library.adapters, loaded, "Garden")


@pytest.fixture
def with_embeddings(tiny_library: Library, loaded: LoadedModel) -> Adapter:
    shape = LoraShape(rank=4, scale=2.0, embeddings=True)
    return make_adapter(tiny_library.adapters, loaded, "Garden", shape=shape)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "out" / "Garden export"


def expect(kind: ErrorKind, library: Library, name: str, to: Path) -> None:
    with pytest.raises(OvernightError) as caught:
        export_mlx(library, name, to)
    assert caught.value.kind is kind
    assert caught.value.hint


def test_mlx_lm_loads_the_export(
    tiny_library: Library,
    adapter: Adapter,
    loaded: LoadedModel,
    target: Path,
    number_format: str,
) -> None:
    result = export_mlx(tiny_library, "Garden", target)
    assert result is not None
    assert result["verified"] is True
    difference = result["max_logit_difference"]
    assert isinstance(difference, float)
    assert difference < (1e-3 if number_format == "float32" else 0.1)
    assert result["files"] == [str(file) for file in sorted(target.iterdir())]
    assert {file.name for file in target.iterdir()} >= {WEIGHTS, "adapter_config.json"}
    base = logits(loaded.model, IDS)
    model, *_ = load(str(tiny_library.models / "tiny"), adapter_path=str(target))
    assert largest_difference(logits(model, IDS), base) > 0.01


def test_mlx_lm_loads_an_export_with_embeddings(
    tiny_library: Library,
    with_embeddings: Adapter,
    loaded: LoadedModel,
    target: Path,
    number_format: str,
) -> None:
    """The tiny model's head is tied to them: mlx-lm changes it as we do."""
    result = export_mlx(tiny_library, "Garden", target)
    assert result is not None
    difference = result["max_logit_difference"]
    assert isinstance(difference, float)
    assert difference < (1e-3 if number_format == "float32" else 0.1)
    lora.apply_adapters(loaded.model, [(with_embeddings, 1.0)])
    ours = logits(loaded.model, IDS)
    model, *_ = load(str(tiny_library.models / "tiny"), adapter_path=str(target))
    assert "embedding" in model.model.embed_tokens
    if number_format == "float32":
        assert largest_difference(logits(model, IDS), ours) < 1e-3


def test_the_export_holds_no_path_of_the_person(
    tiny_library: Library, adapter: Adapter, target: Path
) -> None:
    export_mlx(tiny_library, "Garden", target)
    for file in target.iterdir():
        assert str(tiny_library.home).encode() not in file.read_bytes()


def test_an_empty_folder_is_filled(tiny_library: Library, adapter: Adapter, target: Path) -> None:
    target.mkdir(parents=True)
    assert export_mlx(tiny_library, "Garden", target)


def test_a_stop_leaves_nothing(tiny_library: Library, adapter: Adapter, target: Path) -> None:
    assert export_mlx(tiny_library, "Garden", target, lambda: True) is None
    assert not target.parent.exists()


def test_what_is_there_already_is_left_alone(
    tiny_library: Library, adapter: Adapter, target: Path
) -> None:
    target.mkdir(parents=True)
    (target / "mine").write_text("mine")
    expect(ErrorKind.BAD_INPUT, tiny_library, "Garden", target)
    expect(ErrorKind.BAD_INPUT, tiny_library, "Garden", target / "mine")
    assert [file.name for file in target.iterdir()] == ["mine"]


def test_an_unknown_adapter(tiny_library: Library, target: Path) -> None:
    expect(ErrorKind.ADAPTER_UNKNOWN, tiny_library, "nobody", target)
    assert not target.exists()


def test_an_adapter_whose_base_is_missing(
    tiny_library: Library, adapter: Adapter, target: Path
) -> None:
    for name in ("tiny", "starter"):  # links to the same weights
        (tiny_library.models / name).unlink()
    expect(ErrorKind.MODEL_UNKNOWN, tiny_library, "Garden", target)
    assert not target.exists()


def test_an_adapter_whose_base_is_another_one_now(
    tiny_library: Library, adapter: Adapter, target: Path
) -> None:
    (tiny_library.models / "tiny").unlink()
    (tiny_library.models / "starter").unlink()  # of the same weights
    write_tiny_model(tiny_library.models / "tiny", "tiny")
    card = tiny_library.models / "tiny" / "overnight.json"
    card.write_text(card.read_text().replace('"sha256":"', '"sha256":"0'))
    expect(ErrorKind.MODEL_DAMAGED, tiny_library, "Garden", target)


def test_damaged_weights_leave_nothing(
    tiny_library: Library, adapter: Adapter, target: Path
) -> None:
    data = (adapter.path / WEIGHTS).read_bytes()
    (adapter.path / WEIGHTS).write_bytes(data[: len(data) // 2])
    expect(ErrorKind.ADAPTER_DAMAGED, tiny_library, "Garden", target)
    assert not target.parent.exists()


def test_a_full_disk_leaves_nothing(
    tiny_library: Library, adapter: Adapter, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files, "sync_file", full)
    with pytest.raises(OSError, match="space"):
        export_mlx(tiny_library, "Garden", target)
    assert list(target.parent.iterdir()) == []


def test_a_copy_that_answers_otherwise_is_not_kept(
    tiny_library: Library, adapter: Adapter, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when mlx-lm reads the configuration in another way than we do."""
    copyfile = shutil.copyfile

    def change(source: Path, copy: Path) -> Path:
        copyfile(source, copy)
        if copy.suffix == ".json":
            copy.write_text(copy.read_text().replace('"scale": 2.0', '"scale": 3.0'))
        return copy

    monkeypatch.setattr(shutil, "copyfile", change)
    expect(ErrorKind.ADAPTER_DAMAGED, tiny_library, "Garden", target)
    assert list(target.parent.iterdir()) == []
