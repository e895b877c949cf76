from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.library.models import CARD, list_models, read_model


@pytest.fixture
def models(tmp_path: Path, tiny_folders: dict[str, Path]) -> Path:
    shutil.copytree(tiny_folders["tiny"], tmp_path / "tiny")
    return tmp_path


def kind_of(folder: Path, name: str) -> ErrorKind:
    with pytest.raises(OvernightError) as caught:
        read_model(folder, name)
    assert caught.value.hint
    return caught.value.kind


def test_a_whole_model(models: Path) -> None:
    model = read_model(models, "tiny")
    assert model.card.name == "tiny"
    assert model.bytes == sum(file.stat().st_size for file in (models / "tiny").iterdir())
    assert model.fits
    assert [m.card.name for m in list_models(models)] == ["tiny"]


@pytest.mark.parametrize("file", [CARD, "config.json", "model.safetensors", "tokenizer.json"])
def test_a_half_written_folder_is_damaged_and_not_listed(models: Path, file: str) -> None:
    (models / "tiny" / file).unlink()
    assert kind_of(models, "tiny") is ErrorKind.MODEL_DAMAGED
    assert list_models(models) == []


def test_a_folder_put_in_by_hand_is_to_be_adopted(models: Path) -> None:
    (models / "tiny").rename(models / "my model")
    (models / "my model" / CARD).unlink()
    with pytest.raises(OvernightError) as caught:
        read_model(models, "my model")
    assert f"overnight adopt '{models / 'my model'}'" in caught.value.hint
    assert "Remove" not in caught.value.hint


def test_a_configuration_with_infinity_as_python_writes_it(models: Path) -> None:
    path = models / "tiny" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_bytes()) | {"limits": [0, float("inf")]}))
    assert [m.card.name for m in list_models(models)] == ["tiny"]


@pytest.mark.parametrize("file", [CARD, "config.json"])
@pytest.mark.parametrize("data", [b"", b"[]", b"{", b'{"name": "\xff"}', b'{"a":' * 9999])
def test_a_damaged_file(models: Path, file: str, data: bytes) -> None:
    (models / "tiny" / file).write_bytes(data)
    assert kind_of(models, "tiny") is ErrorKind.MODEL_DAMAGED


def test_empty_weights(models: Path) -> None:
    (models / "tiny" / "model.safetensors").write_bytes(b"")
    assert kind_of(models, "tiny") is ErrorKind.MODEL_DAMAGED


def test_a_model_with_program_code_is_refused(models: Path) -> None:
    path = models / "tiny" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_bytes()) | {"model_file": "evil.py"}))
    assert kind_of(models, "tiny") is ErrorKind.MODEL_DAMAGED
    assert list_models(models) == []


def test_code_that_mlx_lm_does_without_is_no_reason_to_refuse(models: Path) -> None:
    path = models / "tiny" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_bytes()) | {"auto_map": {"AutoModel": "evil"}}))
    assert [m.card.name for m in list_models(models)] == ["tiny"]


@pytest.mark.parametrize("name", ["nobody", "", ".", "..", "../x", "tiny/", "/etc", "\0"])
def test_an_unknown_name(models: Path, name: str) -> None:
    assert kind_of(models, name) is ErrorKind.MODEL_UNKNOWN


def test_no_folder_no_models(tmp_path: Path) -> None:
    assert list_models(tmp_path / "gone") == []


def test_what_does_not_fit(models: Path) -> None:
    path = models / "tiny" / CARD
    card = json.loads(path.read_bytes()) | {"parameters": 10**15}
    config = models / "tiny" / "config.json"
    config.write_text(json.dumps(json.loads(config.read_bytes()) | {"hidden_size": 10**7}))
    path.write_text(json.dumps(card))
    model = read_model(models, "tiny")
    assert not model.fits
    assert model.fits == model.fit.trains


@pytest.mark.parametrize("kept", [4, 40, 0.5, 0.999])
def test_weights_cut_short(models: Path, kept: float) -> None:
    path = models / "tiny" / "model.safetensors"
    data = path.read_bytes()
    path.write_bytes(data[: int(kept if kept > 1 else kept * len(data))])
    assert kind_of(models, "tiny") is ErrorKind.MODEL_DAMAGED


def test_weights_with_more_than_they_say(models: Path) -> None:
    with (models / "tiny" / "model.safetensors").open("ab") as file:
        file.write(b"x")
    assert kind_of(models, "tiny") is ErrorKind.MODEL_DAMAGED
