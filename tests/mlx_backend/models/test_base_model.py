from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import mlx.core as mx
import pytest

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.library import Library
from mlx_backend.library.models import read_model
from mlx_backend.machine import accelerator
from mlx_backend.machine.arrays import flatten
from mlx_backend.models import base_model
from mlx_backend.models.base_model import LoadedModel, base_for, load_base_model, load_chat_form
from tests.mlx_backend.made import make_adapter
from tests.mlx_backend.tiny import write_tiny_model


def test_everything_is_frozen_and_float32_on_the_cpu(loaded: LoadedModel) -> None:
    assert not flatten(loaded.model.trainable_parameters())
    if not accelerator.has_gpu():
        dtypes = {array.dtype for array in flatten(loaded.model.parameters()).values()}
        assert dtypes == {mx.float32}


def test_bytes_are_those_of_the_weights(loaded: LoadedModel) -> None:
    assert loaded.bytes == sum(
        array.nbytes for array in flatten(loaded.model.parameters()).values()
    )


def test_an_unknown_model_is_a_typed_error(library: Library) -> None:
    with pytest.raises(OvernightError) as caught:
        load_base_model(library, "nobody")
    assert caught.value.kind is ErrorKind.MODEL_UNKNOWN


@pytest.fixture
def own_copy(library: Library, tiny_folders: dict[str, Path]) -> Path:
    """A copy of the tiny model that a test may damage."""
    return Path(shutil.copytree(tiny_folders["tiny"], library.models / "own"))


def test_the_chat_form_alone_encodes_alike(tiny_library: Library, loaded: LoadedModel) -> None:
    pairs = [("When was the lamp lit?", "At 18:40."), ("Where?", "")]
    assert load_chat_form(tiny_library, "tiny").samples(pairs) == loaded.form.samples(pairs)


def test_the_chat_form_is_loaded_without_weights(
    tiny_library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base_model, "load_model", lambda *_, **__: pytest.fail("loaded"))
    assert load_chat_form(tiny_library, "tiny").count(["a lamp"])[0] > 0


def expect_damaged(
    library: Library, load: Callable[[Library, str], object] = load_base_model
) -> None:
    with pytest.raises(OvernightError) as caught:
        load(library, "own")
    assert caught.value.kind is ErrorKind.MODEL_DAMAGED
    assert caught.value.hint


def test_truncated_weights(library: Library, own_copy: Path) -> None:
    weights = own_copy / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    expect_damaged(library)


def test_weights_that_are_no_tensors(library: Library, own_copy: Path) -> None:
    (own_copy / "model.safetensors").write_bytes(b"\xff" * 500)
    expect_damaged(library)


@pytest.mark.parametrize(
    "config",
    [
        {"model_type": "no-such-architecture"},
        {"model_type": "../../etc/passwd"},
        {"model_type": 5},
        {},
        {"model_type": "llama"},
    ],
)
def test_a_config_that_no_model_has(
    library: Library, own_copy: Path, config: dict[str, object]
) -> None:
    (own_copy / "config.json").write_text(json.dumps(config))
    expect_damaged(library)


@pytest.mark.parametrize("key", ["hidden_size", "num_attention_heads", "vocab_size"])
def test_a_config_that_does_not_fit_the_weights(library: Library, own_copy: Path, key: str) -> None:
    config = json.loads((own_copy / "config.json").read_bytes())
    config[key] *= 2
    (own_copy / "config.json").write_text(json.dumps(config))
    expect_damaged(library)


@pytest.mark.parametrize("content", ["", "{}", "[1, 2]", '{"model": {"type": "BPE"}}'])
def test_a_damaged_tokenizer(library: Library, own_copy: Path, content: str) -> None:
    (own_copy / "tokenizer.json").write_text(content)
    expect_damaged(library)
    expect_damaged(library, load_chat_form)


def test_an_adapter_finds_its_base_model_under_another_name(tiny_library: Library) -> None:
    adapter = make_adapter(tiny_library.adapters, load_base_model(tiny_library, "tiny"), "Made")
    write_tiny_model(tiny_library.models / "again", "again")
    write_tiny_model(tiny_library.models / "other", "other", seed=8)
    tiny = tiny_library.models / "tiny"
    tiny.unlink()  # a link of the test
    tiny_library.models.joinpath("other").rename(tiny)
    found = base_for(tiny_library, [adapter], "nothing")
    assert read_model(tiny_library.models, found).card.sha256 == adapter.card.base_sha256

    shutil.rmtree(tiny_library.models / "again")
    (tiny_library.models / "starter").unlink()  # a link, too
    with pytest.raises(OvernightError, match="another version of the base model 'tiny'") as caught:
        base_for(tiny_library, [adapter], "nothing")
    assert "overnight bin" in caught.value.hint
    shutil.rmtree(tiny)
    with pytest.raises(OvernightError, match="no base model called 'tiny'"):
        base_for(tiny_library, [adapter], "nothing")
