"""Adapters of others taken in: bundles, folders and zips, in mlx-lm's form and in PEFT's."""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from pathlib import Path

import mlx.core as mx
import pytest

from mlx_backend.adapters.bundles.signing import make_key
from mlx_backend.adapters.exports.exporting import ExportOrder, export_adapter
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.library import Library
from mlx_backend.library.adapters import Adapter, read_adapter
from mlx_backend.machine.arrays import load_tensors
from mlx_backend.models import lora
from mlx_backend.models.base_model import LoadedModel
from mlx_backend.models.lora import LoraShape
from mlx_backend.protocol import ExportForm
from mlx_backend.receiving.receive import ReceiveOrder, Watch, receive
from mlx_backend.training.stop_requests import StoppedEarly
from tests.mlx_backend.arrays import largest_difference, logits
from tests.mlx_backend.made import make_adapter
from tests.mlx_backend.receiving.hostile import FOLDERS
from tests.mlx_backend.receiving.tried import try_in_this_process

IDS = [1, 50, 60, 70]


@pytest.fixture(autouse=True)
def trial_in_this_process(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Starting a process takes seconds: two tests do, the others try the adapter right here."""
    if "in_its_own_process" not in request.fixturenames:
        try_in_this_process(monkeypatch)


@pytest.fixture
def in_its_own_process() -> None:
    """Asks for the real process."""


@pytest.fixture
def adapter(tiny_library: Library, loaded: LoadedModel) -> Adapter:
    return make_adapter(tiny_library.adapters, loaded, "Garden")


def export(library: Library, form: ExportForm, to: Path, name: str = "Garden") -> Path:
    assert export_adapter(library, ExportOrder(name, form, to))
    return to


def take_in(
    library: Library, source: Path, name: str = "Theirs", model: str | None = None
) -> Adapter:
    result = receive(library, ReceiveOrder(str(source), name, model), Watch())
    assert result["adapter"] == name
    return read_adapter(library.adapters, name)


def answers(loaded: LoadedModel, adapter: Adapter) -> object:
    lora.apply_adapters(loaded.model, [(adapter, 1.0)])
    return logits(loaded.model, IDS)


@pytest.mark.parametrize("form", ["mlx", "peft", "bundle"])
def test_what_was_exported_comes_in_and_answers_alike(
    tiny_library: Library, loaded: LoadedModel, adapter: Adapter, tmp_path: Path, form: ExportForm
) -> None:
    came = take_in(tiny_library, export(tiny_library, form, tmp_path / "out"))
    ours, theirs = answers(loaded, adapter), answers(loaded, came)
    assert largest_difference(ours, theirs) < 1e-4  # type: ignore[arg-type]
    assert came.card.base_sha256 == adapter.card.base_sha256
    assert came.card.origin is not None
    assert came.card.origin.form == form
    assert came.card.origin.place == "out"
    assert came.card.id != adapter.card.id


@pytest.mark.parametrize("kind", ["dora", "rslora", "embeddings"])
def test_every_kind_of_peft_comes_in(
    tiny_library: Library, loaded: LoadedModel, tmp_path: Path, kind: str
) -> None:
    shapes = {
        "dora": LoraShape(4, 2.0, decomposed=True),
        "rslora": LoraShape.of("rslora", 8, 2.0),
        "embeddings": LoraShape(4, 2.0, embeddings=True),
    }
    adapter = make_adapter(tiny_library.adapters, loaded, "Garden", shape=shapes[kind])
    came = take_in(tiny_library, export(tiny_library, "peft", tmp_path / "out"))
    assert largest_difference(answers(loaded, adapter), answers(loaded, came)) < 1e-4  # type: ignore[arg-type]
    assert came.card.decomposed == (kind == "dora")
    assert came.card.embeddings == (kind == "embeddings")


def test_layers_of_different_ranks_become_one(
    tiny_library: Library, loaded: LoadedModel, adapter: Adapter, tmp_path: Path
) -> None:
    """PEFT keeps a rank and an alpha for each layer; mlx-lm one rank and one scale for all."""
    folder = export(tiny_library, "peft", tmp_path / "out")
    weights = folder / "adapter_model.safetensors"
    tensors = load_tensors(weights)
    layer = "base_model.model.model.layers.0.self_attn.q_proj"
    tensors[f"{layer}.lora_A.weight"] = tensors[f"{layer}.lora_A.weight"][:2]
    tensors[f"{layer}.lora_B.weight"] = tensors[f"{layer}.lora_B.weight"][:, :2]
    mx.eval(tensors)
    mx.save_safetensors(str(weights), tensors)
    config = json.loads((folder / "adapter_config.json").read_text())
    config["rank_pattern"] = {"model.layers.0.self_attn.q_proj": 2}
    config["alpha_pattern"] = {"model.layers.0.self_attn.q_proj": 6}
    (folder / "adapter_config.json").write_text(json.dumps(config))
    came = take_in(tiny_library, folder)
    found = load_tensors(came.path / "adapters.safetensors")
    name = "model.layers.0.self_attn.q_proj"
    change = came.card.scale * (found[f"{name}.lora_a"] @ found[f"{name}.lora_b"]).T
    expected = 3.0 * tensors[f"{layer}.lora_B.weight"] @ tensors[f"{layer}.lora_A.weight"]
    assert bool(mx.allclose(change, expected, atol=1e-4).item())


def test_a_zip_of_a_folder_comes_in(
    in_its_own_process: None, tiny_library: Library, adapter: Adapter, tmp_path: Path
) -> None:
    folder = export(tiny_library, "peft", tmp_path / "garden")
    archive = shutil.make_archive(str(tmp_path / "sent"), "zip", tmp_path, "garden")
    assert take_in(tiny_library, Path(archive)).card.origin is not None
    assert folder.is_dir()


def test_a_signature_that_holds_is_on_the_card(
    tiny_library: Library, adapter: Adapter, tmp_path: Path
) -> None:
    key = make_key(tiny_library, "Ana")
    bundle = export(tiny_library, "bundle", tmp_path / "out.overnight")
    result = receive(tiny_library, ReceiveOrder(str(bundle), "Theirs"), Watch())
    assert result["warnings"] == []
    origin = read_adapter(tiny_library.adapters, "Theirs").card.origin
    assert origin is not None
    assert (origin.by, origin.fingerprint) == ("Ana", key.fingerprint)


def test_a_base_of_the_same_shape_is_taken_with_a_warning(
    tiny_library: Library, adapter: Adapter, tmp_path: Path
) -> None:
    folder = export(tiny_library, "mlx", tmp_path / "out")
    result = receive(tiny_library, ReceiveOrder(str(folder), "Theirs"), Watch())
    warnings = result["warnings"]
    assert isinstance(warnings, list)
    assert any("does not say which base model" in warning for warning in warnings)
    assert any("not signed" in warning for warning in warnings)


def test_a_missing_base_is_named(tiny_library: Library, adapter: Adapter, tmp_path: Path) -> None:
    folder = export(tiny_library, "peft", tmp_path / "out")
    weights = folder / "adapter_model.safetensors"
    tensors = {name: mx.zeros((9, 9)) for name in load_tensors(weights)}
    mx.save_safetensors(str(weights), tensors)
    config = json.loads((folder / "adapter_config.json").read_text())
    config["base_model_name_or_path"] = "someone/large-model"
    (folder / "adapter_config.json").write_text(json.dumps(config))
    with pytest.raises(OvernightError, match="someone/large-model") as caught:
        take_in(tiny_library, folder)
    assert caught.value.kind is ErrorKind.MODEL_UNKNOWN
    assert "overnight download someone/large-model" in caught.value.hint


def test_a_name_that_is_taken(tiny_library: Library, adapter: Adapter, tmp_path: Path) -> None:
    folder = export(tiny_library, "mlx", tmp_path / "out")
    with pytest.raises(OvernightError) as caught:
        take_in(tiny_library, folder, "garden")
    assert caught.value.kind is ErrorKind.ADAPTER_EXISTS


def test_a_path_with_nothing(tiny_library: Library, tmp_path: Path) -> None:
    with pytest.raises(OvernightError) as caught:
        take_in(tiny_library, tmp_path / "nothing.overnight")
    assert caught.value.kind is ErrorKind.PATH_MISSING


def test_a_stop_leaves_nothing(
    in_its_own_process: None, tiny_library: Library, adapter: Adapter, tmp_path: Path
) -> None:
    folder = export(tiny_library, "mlx", tmp_path / "out")
    before = sorted(path.name for path in tiny_library.home.iterdir())
    with pytest.raises(StoppedEarly):
        receive(tiny_library, ReceiveOrder(str(folder), "Theirs"), Watch(lambda: True))
    assert sorted(path.name for path in tiny_library.home.iterdir()) == before
    assert [path.name for path in tiny_library.adapters.iterdir()] == ["Garden"]


def test_what_a_killed_process_left_is_removed(
    tiny_library: Library, adapter: Adapter, tmp_path: Path
) -> None:
    pids = (2**22 + 1, os.getpid())  # the first is above any that Linux gives
    old, new = (tiny_library.home / f".receiving-{pid}-x" for pid in pids)
    for folder in (old, new):
        folder.mkdir()
        (folder / "adapters.safetensors").write_bytes(b"half")
    take_in(tiny_library, export(tiny_library, "mlx", tmp_path / "out"))
    assert not old.exists()
    assert new.exists()


@pytest.mark.parametrize("name", ["not a number", "B of another width"])
def test_the_real_process_refuses_with_a_reason(
    in_its_own_process: None, tiny_library: Library, adapter: Adapter, tmp_path: Path, name: str
) -> None:
    folder = export(tiny_library, "mlx", tmp_path / "out")
    FOLDERS[name][1](folder)
    with pytest.raises(OvernightError, match=r"finite|shapes|layers") as caught:
        take_in(tiny_library, folder)
    assert caught.value.hint
    assert [path.name for path in tiny_library.adapters.iterdir()] == ["Garden"]


def test_nothing_but_the_two_files_is_taken(
    tiny_library: Library, adapter: Adapter, tmp_path: Path
) -> None:
    folder = export(tiny_library, "mlx", tmp_path / "out")
    for name in ("tokenizer.json", "chat_template.jinja", "modeling.py", "card.json"):
        (folder / name).write_text("{{ '' }}")
    came = take_in(tiny_library, folder)
    names = {path.name for path in came.path.iterdir()}
    assert names == {"adapters.safetensors", "adapter_config.json", "card.json", "README.md"}
    assert came.card.name == "Theirs"


def test_zips_made_elsewhere_with_other_attributes(
    tiny_library: Library, adapter: Adapter, tmp_path: Path
) -> None:
    folder = export(tiny_library, "mlx", tmp_path / "out")
    archive = tmp_path / "sent.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("__MACOSX/._adapter_config.json", b"\0")
        for name in ("adapters.safetensors", "adapter_config.json"):
            made.write(folder / name, f"My adapter/{name}")
    assert take_in(tiny_library, archive).bytes > 0


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("lora_alpha", None, "says None as 'lora_alpha'"),
        ("lora_alpha", "sixteen", "says 'sixteen' as 'lora_alpha'"),
        ("lora_alpha", True, "says True as 'lora_alpha'"),
        ("lora_alpha", 10**400, "the strength of the layer"),
        ("lora_alpha", "", "does not say how strong it is"),  # taken out
        ("r", "eight", "says 'eight' as 'r'"),
        ("r", -1, "says -1 as 'r'"),
        ("alpha_pattern", [1], "says [1] as 'alpha_pattern'"),
        ("alpha_pattern", {"q_proj": "x"}, "says 'x' as 'alpha_pattern', 'q_proj'"),
        ("rank_pattern", {"alpha_proj": 2.5}, "says 2.5 as 'rank_pattern', 'alpha_proj'"),
        ("rank_pattern", {"q_proj": 0}, "says 0 as 'rank_pattern', 'q_proj'"),
        ("use_rslora", "no", "says 'no' as 'use_rslora'"),
    ],
)
def test_a_configuration_of_nonsense_is_refused_in_words(
    tiny_library: Library,
    adapter: Adapter,
    tmp_path: Path,
    field: str,
    value: object,
    says: str,
) -> None:
    export_adapter(tiny_library, ExportOrder("Garden", "peft", tmp_path / "peft"))
    path = tmp_path / "peft" / "adapter_config.json"
    config = json.loads(path.read_text()) | {field: value}
    if value == "":
        del config[field]
    path.write_text(json.dumps(config))
    with pytest.raises(OvernightError) as caught:
        receive(tiny_library, ReceiveOrder(str(tmp_path / "peft"), "Theirs"), Watch())
    assert says in caught.value.message
    assert "Error" not in caught.value.message


def test_a_configuration_of_mlx_without_strength_is_refused_in_words(
    tiny_library: Library, adapter: Adapter, tmp_path: Path
) -> None:
    export_adapter(tiny_library, ExportOrder("Garden", "mlx", tmp_path / "mlx"))
    (tmp_path / "mlx" / "adapter_config.json").write_text('{"fine_tune_type": "lora"}')
    with pytest.raises(OvernightError, match="does not say how strong it is"):
        receive(tiny_library, ReceiveOrder(str(tmp_path / "mlx"), "Theirs"), Watch())
