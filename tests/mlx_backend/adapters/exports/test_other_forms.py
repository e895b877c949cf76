"""Exports for PEFT and llama.cpp, as whole models and as bundles, of the tiny model's adapters."""

from __future__ import annotations

import json
import zipfile
from functools import partial
from pathlib import Path
from typing import Any

import gguf
import mlx.core as mx
import msgspec
import numpy as np
import pytest
from mlx_lm.utils import load

from mlx_backend.adapters.bundles.manifest import MANIFEST, SIGNATURE, Manifest, Signature
from mlx_backend.adapters.bundles.signing import holds, make_key
from mlx_backend.adapters.exports.exporting import ExportOrder, export_adapter
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.files import sha256_of_file
from mlx_backend.library import Library
from mlx_backend.library.adapters import Adapter
from mlx_backend.machine.arrays import largest_difference as difference_of
from mlx_backend.machine.arrays import load_tensors
from mlx_backend.models import lora
from mlx_backend.models.base_model import LoadedModel, load_base_model
from mlx_backend.models.lora import LoraShape
from mlx_backend.protocol import ExportForm
from tests.mlx_backend.arrays import largest_difference, logits
from tests.mlx_backend.made import make_adapter
from tests.mlx_backend.model_types import write_model

IDS = [1, 50, 60, 70]
RSLORA = LoraShape.of("rslora", rank=8, scale=2.0)


@pytest.fixture
def adapter(tiny_library: Library, loaded: LoadedModel) -> Adapter:
    return make_adapter(tiny_library.adapters, loaded, "Garden")


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "Garden export"


@pytest.fixture
def plain_numbers(number_format: str) -> None:
    """Only in float32: MLX's CPU build has no 16-bit experts, and short rows no 4-bit form."""
    if number_format != "float32":
        pytest.skip("the other formats need a GPU or other shapes")


def export(
    library: Library, form: ExportForm, to: Path, name: str = "Garden", bits: int = 0
) -> dict[str, Any]:
    result = export_adapter(library, ExportOrder(name, form, to, bits))
    assert result is not None
    assert result["verified"] is True
    return result


def refused(library: Library, form: ExportForm, to: Path, name: str = "Garden") -> str:
    with pytest.raises(OvernightError) as caught:
        export_adapter(library, ExportOrder(name, form, to))
    assert caught.value.kind is ErrorKind.BAD_INPUT
    assert caught.value.hint
    assert not to.exists()
    return caught.value.message


def weights_of_change(folder: Path, layer: str) -> mx.array:
    """By how much the weights (outputs, inputs) of a layer change, read as PEFT reads it."""
    config = json.loads((folder / "adapter_config.json").read_text())
    tensors = load_tensors(folder / "adapter_model.safetensors")
    name = f"base_model.model.{layer}"
    a, b = tensors[f"{name}.lora_A.weight"], tensors[f"{name}.lora_B.weight"]
    assert config["use_rslora"] is False
    change: mx.array = b @ a * (config["lora_alpha"] / config["r"])
    return change


@pytest.mark.parametrize("shape", [LoraShape(rank=4, scale=2.0), RSLORA])
def test_peft_reads_the_same_change(
    tiny_library: Library, loaded: LoadedModel, target: Path, shape: LoraShape
) -> None:
    adapter = make_adapter(tiny_library.adapters, loaded, "Garden", shape=shape)
    result = export(tiny_library, "peft", target)
    assert result["max_logit_difference"] < 1e-3
    ours = load_tensors(adapter.path / "adapters.safetensors")
    for layer in ("model.layers.0.self_attn.q_proj", "model.layers.1.mlp.down_proj"):
        expected = shape.scale * (ours[f"{layer}.lora_a"] @ ours[f"{layer}.lora_b"]).T
        assert difference_of(weights_of_change(target, layer), expected) < 1e-4


def test_peft_is_told_the_layers_by_their_last_names(
    tiny_library: Library, adapter: Adapter, target: Path
) -> None:
    export(tiny_library, "peft", target)
    config = json.loads((target / "adapter_config.json").read_text())
    assert "q_proj" in config["target_modules"]
    assert config["r"] == 4
    assert config["lora_alpha"] == 8


def test_peft_takes_dora(tiny_library: Library, loaded: LoadedModel, target: Path) -> None:
    shape = LoraShape(rank=4, scale=2.0, decomposed=True)
    make_adapter(tiny_library.adapters, loaded, "Garden", shape=shape)
    export(tiny_library, "peft", target)
    config = json.loads((target / "adapter_config.json").read_text())
    assert config["use_dora"] is True
    tensors = load_tensors(target / "adapter_model.safetensors")
    assert any(name.endswith("lora_magnitude_vector") for name in tensors)


def test_peft_gets_a_tied_head_as_a_layer_of_its_own(
    tiny_library: Library, loaded: LoadedModel, target: Path
) -> None:
    shape = LoraShape(rank=4, scale=2.0, embeddings=True)
    make_adapter(tiny_library.adapters, loaded, "Garden", shape=shape)
    export(tiny_library, "peft", target)
    config = json.loads((target / "adapter_config.json").read_text())
    assert {"embed_tokens", "lm_head"} <= set(config["target_modules"])
    tensors = load_tensors(target / "adapter_model.safetensors")
    embedded = tensors["base_model.model.model.embed_tokens.lora_embedding_A"]
    head = tensors["base_model.model.lm_head.lora_B.weight"]
    assert difference_of(embedded.T, head) == 0.0


def test_llama_cpp_gets_rows_in_its_own_order(
    tiny_library: Library, adapter: Adapter, target: Path
) -> None:
    """Queries of the tiny model: 4 heads of 16, whose rotary halves llama.cpp interleaves."""
    result = export(tiny_library, "gguf", target)
    assert result["max_logit_difference"] < 1e-3
    reader = gguf.GGUFReader(target / "adapter.gguf")
    assert reader.fields["general.type"].contents() == "adapter"
    assert reader.fields["general.architecture"].contents() == "llama"
    assert reader.fields["adapter.type"].contents() == "lora"
    assert reader.fields["adapter.lora.alpha"].contents() == 8.0
    tensors = {tensor.name: tensor.data for tensor in reader.tensors}
    ours = load_tensors(adapter.path / "adapters.safetensors")
    b = np.array(ours["model.layers.0.self_attn.q_proj.lora_b"]).T
    theirs = tensors["blk.0.attn_q.weight.lora_b"]
    assert np.allclose(theirs[0], b[0])
    assert np.allclose(theirs[1], b[8])
    assert np.allclose(theirs[2], b[1])
    a = np.array(ours["model.layers.0.self_attn.q_proj.lora_a"]).T
    assert np.allclose(tensors["blk.0.attn_q.weight.lora_a"], a)


def test_ollama_gets_a_modelfile(tiny_library: Library, adapter: Adapter, target: Path) -> None:
    export(tiny_library, "gguf", target)
    text = (target / "Modelfile").read_text()
    assert "ADAPTER ./adapter.gguf" in text
    assert "<|im_start|>{{ .Role }}" in text


@pytest.mark.parametrize(
    ("shape", "reason"),
    [
        (LoraShape(rank=4, scale=2.0, decomposed=True), "DoRA"),
        (LoraShape(rank=4, scale=2.0, embeddings=True), "token embeddings"),
    ],
)
def test_llama_cpp_has_no_form_for_it(
    tiny_library: Library, loaded: LoadedModel, target: Path, shape: LoraShape, reason: str
) -> None:
    make_adapter(tiny_library.adapters, loaded, "Garden", shape=shape)
    assert reason in refused(tiny_library, "gguf", target)


@pytest.mark.parametrize("form", ["peft", "gguf"])
@pytest.mark.parametrize("kind", ["qwen3_moe", "lfm2"])
def test_architectures_without_a_known_form_are_refused_with_the_reason(
    plain_numbers: None,
    tiny_library: Library,
    tiny_folders: dict[str, Path],
    target: Path,
    form: ExportForm,
    kind: str,
) -> None:
    write_model(tiny_library.models / kind, kind, tiny_folders["tiny"])
    make_adapter(tiny_library.adapters, load_base_model(tiny_library, kind), "Garden")
    assert kind in refused(tiny_library, form, target)
    export(tiny_library, "mlx", target)


@pytest.mark.parametrize("decomposed", [False, True])
def test_a_whole_model_answers_as_the_adapter_does(
    tiny_library: Library,
    loaded: LoadedModel,
    target: Path,
    number_format: str,
    decomposed: bool,
) -> None:
    shape = LoraShape(rank=4, scale=2.0, decomposed=decomposed)
    adapter = make_adapter(tiny_library.adapters, loaded, "Garden", shape=shape)
    result = export(tiny_library, "fused", target)
    if number_format == "float32":
        assert result["max_logit_difference"] < 1e-3
    lora.apply_adapters(loaded.model, [(adapter, 1.0)])
    ours = logits(loaded.model, IDS)
    model, *_ = load(str(target))
    difference = largest_difference(logits(model, IDS), ours)
    assert difference < (1e-3 if number_format == "float32" else 1.0)
    config = json.loads((target / "config.json").read_text())
    assert "quantization" not in config
    assert config["architectures"] == ["LlamaForCausalLM"]


def test_rounding_a_whole_model_again_is_measured(
    tiny_library: Library, adapter: Adapter, target: Path
) -> None:
    result = export(tiny_library, "fused", target, bits=4)
    assert 0.0 <= result["same_choice"] < 1.0
    config = json.loads((target / "config.json").read_text())
    assert config["quantization"]["bits"] == 4
    more = export(tiny_library, "fused", target.with_name("8 bits"), bits=8)
    assert more["same_choice"] >= result["same_choice"]


def test_a_bundle_lists_its_files_with_their_sums(
    tiny_library: Library, adapter: Adapter, tmp_path: Path
) -> None:
    to = tmp_path / "Garden.overnight"
    result = export(tiny_library, "bundle", to)
    assert result["files"] == [str(to)]
    with zipfile.ZipFile(to) as archive:
        manifest = msgspec.json.decode(archive.read(MANIFEST), type=Manifest)
        archive.extractall(tmp_path / "out")
        assert SIGNATURE not in archive.namelist()
    assert manifest.name == "Garden"
    assert manifest.base.sha256 == adapter.card.base_sha256
    paths = {listed.path for listed in manifest.files}
    assert {"README.md", "mlx/adapters.safetensors", "peft/adapter_config.json"} <= paths
    for listed in manifest.files:
        assert sha256_of_file(tmp_path / "out" / listed.path) == listed.sha256


def test_the_same_adapter_makes_the_same_bundle(
    tiny_library: Library, adapter: Adapter, tmp_path: Path
) -> None:
    one, other = tmp_path / "one.overnight", tmp_path / "other.overnight"
    export(tiny_library, "bundle", one)
    export(tiny_library, "bundle", other)
    assert one.read_bytes() == other.read_bytes()


def test_a_bundle_is_signed_where_there_is_a_key(
    tiny_library: Library, adapter: Adapter, tmp_path: Path
) -> None:
    key = make_key(tiny_library, "Ana")
    to = tmp_path / "Garden.overnight"
    export(tiny_library, "bundle", to)
    with zipfile.ZipFile(to) as archive:
        signature = msgspec.json.decode(archive.read(SIGNATURE), type=Signature)
        data = archive.read(MANIFEST)
    assert signature.by == "Ana"
    assert holds(signature, data)
    assert not holds(signature, data + b" ")
    assert (tiny_library.home / "signing-key.json").stat().st_mode & 0o077 == 0
    assert key.fingerprint.count(" ") == 7


def test_a_bundle_of_what_peft_has_no_form_for_has_one_form_less(
    plain_numbers: None, tiny_library: Library, tiny_folders: dict[str, Path], tmp_path: Path
) -> None:
    write_model(tiny_library.models / "lfm2", "lfm2", tiny_folders["tiny"])
    make_adapter(tiny_library.adapters, load_base_model(tiny_library, "lfm2"), "Garden")
    to = tmp_path / "Garden.overnight"
    export(tiny_library, "bundle", to)
    names = zipfile.ZipFile(to).namelist()
    assert "mlx/adapters.safetensors" in names
    assert not any(name.startswith("peft/") for name in names)


@pytest.mark.parametrize("form", ["mlx", "peft", "gguf", "fused", "bundle"])
def test_a_stop_and_an_existing_target_leave_nothing(
    tiny_library: Library, adapter: Adapter, tmp_path: Path, form: ExportForm
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    to = folder / "Garden"
    for asked_later in (0, 1):  # before it is written, and while it is
        answers = iter([False] * asked_later)
        order = ExportOrder("Garden", form, to)
        assert export_adapter(tiny_library, order, partial(next, answers, True)) is None
        assert list(folder.iterdir()) == []
    to.write_text("mine")
    refused_at = ExportOrder("Garden", form, to)
    with pytest.raises(OvernightError, match="already something"):
        export_adapter(tiny_library, refused_at)
    assert to.read_text() == "mine"
    assert [path.name for path in folder.iterdir()] == ["Garden"]


@pytest.mark.parametrize("form", ["mlx", "peft", "gguf", "fused", "bundle"])
def test_no_export_holds_a_path_of_the_person(
    tiny_library: Library, adapter: Adapter, tmp_path: Path, form: ExportForm
) -> None:
    to = tmp_path / "out"
    export(tiny_library, form, to)
    files = [to] if to.is_file() else [path for path in to.rglob("*") if path.is_file()]
    for file in files:
        assert str(tiny_library.home).encode() not in file.read_bytes()
        if zipfile.is_zipfile(file):
            with zipfile.ZipFile(file) as archive:
                for name in archive.namelist():
                    assert str(tiny_library.home).encode() not in archive.read(name)
