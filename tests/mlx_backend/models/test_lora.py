from __future__ import annotations

import json
from pathlib import Path

import mlx.core as mx
import numpy as np
import pytest
from mlx_lm.tuner.utils import load_adapters
from numpy.typing import NDArray

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.library.adapters import CONFIG, WEIGHTS, Adapter
from mlx_backend.machine.arrays import flatten, load_tensors
from mlx_backend.models import lora
from mlx_backend.models.base_model import LoadedModel
from mlx_backend.models.lora import LoraShape
from tests.mlx_backend.arrays import largest_difference, logits, snapshot
from tests.mlx_backend.made import make_adapter

IDS = [1, 50, 60, 70, 80, 90, 100, 110]


@pytest.fixture
def base(loaded: LoadedModel) -> NDArray[np.float32]:
    """What the plain base answers."""
    return logits(loaded.model, IDS)


@pytest.fixture
def first(loaded: LoadedModel, tmp_path: Path) -> Adapter:
    return make_adapter(tmp_path, loaded, "first", seed=1)


@pytest.fixture
def second(loaded: LoadedModel, tmp_path: Path) -> Adapter:
    return make_adapter(tmp_path, loaded, "second", seed=2, shape=LoraShape(rank=2, scale=5.0))


def with_adapters(loaded: LoadedModel, *adapters: tuple[Adapter, float]) -> NDArray[np.float32]:
    lora.apply_adapters(loaded.model, adapters)
    return logits(loaded.model, IDS)


def test_a_fresh_adapter_changes_no_logit(loaded: LoadedModel, base: NDArray[np.float32]) -> None:
    lora.attach(loaded.model, LoraShape(rank=4, scale=2.0))
    assert (logits(loaded.model, IDS) == base).all()


def test_it_is_on_every_linear_layer_of_every_block(loaded: LoadedModel) -> None:
    lora.attach(loaded.model, LoraShape(rank=4, scale=2.0))
    trainable = flatten(loaded.model.trainable_parameters())
    assert len(trainable) == 2 * 7 * 2
    assert all(name.endswith(("lora_a", "lora_b")) for name in trainable)


def test_attaching_twice_does_not_nest(loaded: LoadedModel) -> None:
    for rank in (4, 8):
        lora.attach(loaded.model, LoraShape(rank=rank, scale=2.0))
    trainable = flatten(loaded.model.trainable_parameters())
    assert len(trainable) == 2 * 7 * 2
    assert not any("linear.linear" in name for name in flatten(loaded.model.parameters()))


def test_taking_it_off_restores_the_base_bit_for_bit(
    loaded: LoadedModel, base: NDArray[np.float32], first: Adapter
) -> None:
    before = snapshot(loaded.model)
    assert largest_difference(with_adapters(loaded, (first, 1.0)), base) > 0.01
    lora.detach(loaded.model)
    assert snapshot(loaded.model) == before
    assert (logits(loaded.model, IDS) == base).all()
    lora.detach(loaded.model)
    assert snapshot(loaded.model) == before


def test_no_adapters_are_the_base(
    loaded: LoadedModel, base: NDArray[np.float32], first: Adapter
) -> None:
    with_adapters(loaded, (first, 1.0))
    assert (with_adapters(loaded) == base).all()


def test_a_weight_of_zero_is_the_base(
    loaded: LoadedModel, base: NDArray[np.float32], first: Adapter
) -> None:
    assert (with_adapters(loaded, (first, 0.0)) == base).all()


def test_weights_scale_the_change(loaded: LoadedModel, first: Adapter, second: Adapter) -> None:
    """Half of an adapter is an adapter with half the scale."""
    half = with_adapters(loaded, (first, 0.5))
    config = json.loads((first.path / CONFIG).read_bytes())
    config["lora_parameters"]["scale"] /= 2
    (first.path / CONFIG).write_text(json.dumps(config))
    assert largest_difference(with_adapters(loaded, (first, 1.0)), half) < 1e-5


def test_switching_back_and_forth_leaves_nothing_behind(
    loaded: LoadedModel, first: Adapter, second: Adapter
) -> None:
    one = with_adapters(loaded, (first, 1.0))
    other = with_adapters(loaded, (second, 1.0))
    assert largest_difference(one, other) > 0.01
    assert (with_adapters(loaded, (first, 1.0)) == one).all()


def test_two_adapters_add_up(loaded: LoadedModel, first: Adapter, second: Adapter) -> None:
    """Held against the base's weights with both products added to them."""
    found = with_adapters(loaded, (first, 1.0), (second, -0.5))
    lora.detach(loaded.model)
    weights = flatten(loaded.model.parameters())
    merged = dict(weights)
    for adapter, weight, scale in ((first, 1.0, 2.0), (second, -0.5, 5.0)):
        factors = mx.load(str(adapter.path / WEIGHTS))
        assert isinstance(factors, dict)
        for name in {key.rpartition(".")[0] for key in factors}:
            change = (factors[f"{name}.lora_a"] @ factors[f"{name}.lora_b"]).T
            merged[f"{name}.weight"] = merged[f"{name}.weight"] + weight * scale * change
    loaded.model.load_weights(list(merged.items()))
    truth = logits(loaded.model, IDS)
    assert largest_difference(found, truth) < 1e-4 * float(np.abs(truth).max())


@pytest.fixture
def words(loaded: LoadedModel, tmp_path: Path) -> Adapter:
    """An adapter that is on the token embeddings, too."""
    shape = LoraShape(rank=3, scale=4.0, embeddings=True)
    return make_adapter(tmp_path, loaded, "words", seed=4, shape=shape)


def test_an_adapter_on_embeddings_adds_up_with_one_that_is_not(
    loaded: LoadedModel, first: Adapter, words: Adapter
) -> None:
    """Held against weights with the products added: the tied head has changed with them."""
    found = with_adapters(loaded, (first, 0.5), (words, -0.5))
    lora.detach(loaded.model)
    merged = flatten(loaded.model.parameters())
    for adapter, weight in ((first, 0.5 * 2.0), (words, -0.5 * 4.0)):
        factors = load_tensors(adapter.path / WEIGHTS)
        for name in {key.rpartition(".")[0] for key in factors}:
            change = factors[f"{name}.lora_a"] @ factors[f"{name}.lora_b"]
            change = change if "embed_tokens" in name else change.T
            merged[f"{name}.weight"] = merged[f"{name}.weight"] + weight * change
    loaded.model.load_weights(list(merged.items()))
    truth = logits(loaded.model, IDS)
    assert largest_difference(found, truth) < 1e-4 * float(np.abs(truth).max())


def test_switching_embeddings_on_and_off_leaves_nothing_behind(
    loaded: LoadedModel, base: NDArray[np.float32], first: Adapter, words: Adapter
) -> None:
    one = with_adapters(loaded, (words, 1.0))
    other = with_adapters(loaded, (first, 1.0))
    assert largest_difference(one, other) > 0.01
    assert (with_adapters(loaded, (words, 1.0)) == one).all()
    assert (with_adapters(loaded, (words, 0.0)) == base).all()
    assert (with_adapters(loaded) == base).all()


def test_training_goes_on_from_an_adapter_on_embeddings(
    loaded: LoadedModel, first: Adapter, words: Adapter
) -> None:
    for adapter in (first, words):  # the first has none: those on embeddings begin anew
        trained = with_adapters(loaded, (adapter, 1.0))
        rank, scale = (4, 2.0) if adapter is first else (3, 4.0)
        lora.attach(loaded.model, LoraShape(rank, scale, embeddings=True))
        lora.load_factors(loaded.model, adapter)
        assert largest_difference(logits(loaded.model, IDS), trained) < 1e-5
        assert len(flatten(loaded.model.trainable_parameters())) == 2 * 7 * 2 + 2


def test_embeddings_are_named_by_their_place_in_the_model(words: Adapter, first: Adapter) -> None:
    keys = [
        json.loads((each.path / CONFIG).read_bytes())["lora_parameters"]["keys"]
        for each in (first, words)
    ]
    assert set(keys[1]) - set(keys[0]) == {"model.embed_tokens"}


def test_of_the_kind_dora_embeddings_get_none(loaded: LoadedModel) -> None:
    lora.attach(loaded.model, LoraShape(4, 2.0, decomposed=True, embeddings=True))
    assert not any("embed" in name for name in lora.adapter_weights(loaded.model))


def test_mlx_lm_loads_what_we_save(loaded: LoadedModel, first: Adapter) -> None:
    ours = with_adapters(loaded, (first, 1.0))
    lora.detach(loaded.model)
    load_adapters(loaded.model, str(first.path))
    loaded.model.eval()
    assert largest_difference(logits(loaded.model, IDS), ours) < 1e-5
    lora.detach(loaded.model)  # also what mlx-lm put on comes off


def test_training_goes_on_from_an_adapter(loaded: LoadedModel, first: Adapter) -> None:
    trained = with_adapters(loaded, (first, 1.0))
    lora.attach(loaded.model, LoraShape(rank=4, scale=2.0))
    lora.load_factors(loaded.model, first)
    assert largest_difference(logits(loaded.model, IDS), trained) < 1e-5
    assert len(flatten(loaded.model.trainable_parameters())) == 2 * 7 * 2


def test_the_configuration_tells_nothing_of_the_person(
    loaded: LoadedModel, first: Adapter, tmp_path: Path
) -> None:
    config = (first.path / CONFIG).read_text()
    assert str(tmp_path) not in config
    assert "/" not in config
    assert json.loads(config)["lora_parameters"]["rank"] == 4


def expect(kind: ErrorKind, loaded: LoadedModel, adapter: Adapter) -> None:
    with pytest.raises(OvernightError) as caught:
        lora.apply_adapters(loaded.model, [(adapter, 1.0)])
    assert caught.value.kind is kind
    assert caught.value.hint


@pytest.mark.parametrize(
    "data",
    [b"", b"\xff" * 100, b"\x08\0\0\0\0\0\0\0{}      ", b"\xff\xff\xff\xff\xff\xff\xff\x7f{}"],
    ids=repr,
)
def test_weights_that_are_no_tensors(loaded: LoadedModel, first: Adapter, data: bytes) -> None:
    (first.path / WEIGHTS).write_bytes(data)
    expect(ErrorKind.ADAPTER_DAMAGED, loaded, first)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_truncated_weights(loaded: LoadedModel, first: Adapter, share: float) -> None:
    data = (first.path / WEIGHTS).read_bytes()
    (first.path / WEIGHTS).write_bytes(data[: int(len(data) * share)])
    expect(ErrorKind.ADAPTER_DAMAGED, loaded, first)


def test_missing_weights(loaded: LoadedModel, first: Adapter) -> None:
    (first.path / WEIGHTS).unlink()
    expect(ErrorKind.ADAPTER_DAMAGED, loaded, first)


BROKEN = ["", "{}", "[]", "null", "\xff", '{"lora_parameters": 5}']
BROKEN += [f'{{"lora_parameters": {{"scale": {value}}}}}' for value in ('"x"', "null", "[2]")]
BROKEN += [f'{{"lora_parameters": {{"scale": {value}}}}}' for value in ("NaN", "Infinity", "1e999")]


@pytest.mark.parametrize("config", BROKEN)
def test_a_damaged_configuration(loaded: LoadedModel, first: Adapter, config: str) -> None:
    (first.path / CONFIG).write_bytes(config.encode("latin-1"))
    expect(ErrorKind.ADAPTER_DAMAGED, loaded, first)


Q_PROJ = "model.layers.0.self_attn.q_proj"
EMBEDDED = "model.embed_tokens"
FOREIGN: dict[str, dict[str, tuple[int, ...]]] = {
    "no factors": {"x": (3,)},
    "one factor": {f"{Q_PROJ}.lora_a": (64, 4)},
    "another layer": {
        "model.layers.9.self_attn.q_proj.lora_a": (64, 4),
        "model.layers.9.self_attn.q_proj.lora_b": (4, 64),
    },
    "no linear layer": {"model.norm.lora_a": (64, 4), "model.norm.lora_b": (4, 64)},
    "another width": {f"{Q_PROJ}.lora_a": (128, 4), f"{Q_PROJ}.lora_b": (4, 64)},
    "another height": {f"{Q_PROJ}.lora_a": (64, 4), f"{Q_PROJ}.lora_b": (4, 32)},
    "two ranks": {f"{Q_PROJ}.lora_a": (64, 4), f"{Q_PROJ}.lora_b": (8, 64)},
    "three dimensions": {f"{Q_PROJ}.lora_a": (2, 64, 4), f"{Q_PROJ}.lora_b": (2, 4, 64)},
    "embeddings of other tokens": {
        f"{EMBEDDED}.lora_a": (7, 4),
        f"{EMBEDDED}.lora_b": (4, 64),
    },
    "embeddings the other way round": {
        f"{EMBEDDED}.lora_a": (64, 4),
        f"{EMBEDDED}.lora_b": (4, 480),
    },
    "a base weight too": {
        f"{Q_PROJ}.lora_a": (64, 4),
        f"{Q_PROJ}.lora_b": (4, 64),
        "model.norm.weight": (64,),
    },
}


@pytest.mark.parametrize("name", FOREIGN)
def test_an_adapter_of_another_shape(
    loaded: LoadedModel, first: Adapter, base: NDArray[np.float32], name: str
) -> None:
    before = snapshot(loaded.model)
    tensors = {key: mx.ones(shape) for key, shape in FOREIGN[name].items()}
    mx.save_safetensors(str(first.path / WEIGHTS), tensors)
    expect(ErrorKind.ADAPTER_DAMAGED, loaded, first)
    assert snapshot(loaded.model) == before


def test_after_a_failure_the_base_answers(
    loaded: LoadedModel, first: Adapter, second: Adapter, base: NDArray[np.float32]
) -> None:
    with_adapters(loaded, (second, 1.0))
    (first.path / WEIGHTS).write_bytes(b"")
    expect(ErrorKind.ADAPTER_DAMAGED, loaded, first)
    assert (logits(loaded.model, IDS) == base).all()


@pytest.fixture
def decomposed(loaded: LoadedModel, tmp_path: Path) -> Adapter:
    shape = LoraShape(rank=4, scale=2.0, decomposed=True)
    return make_adapter(tmp_path, loaded, "dora", seed=3, shape=shape)


def test_a_fresh_dora_adapter_changes_almost_nothing(
    loaded: LoadedModel, base: NDArray[np.float32]
) -> None:
    lora.attach(loaded.model, LoraShape.of("dora", 4, 2.0))
    found = logits(loaded.model, IDS)
    assert largest_difference(found, base) < 1e-4 * float(np.abs(base).max())
    assert len(flatten(loaded.model.trainable_parameters())) == 2 * 7 * 3


def test_mlx_lm_loads_a_dora_adapter(loaded: LoadedModel, decomposed: Adapter) -> None:
    ours = with_adapters(loaded, (decomposed, 1.0))
    lora.detach(loaded.model)
    load_adapters(loaded.model, str(decomposed.path))
    loaded.model.eval()
    assert largest_difference(logits(loaded.model, IDS), ours) < 1e-5
    lora.detach(loaded.model)


def test_training_goes_on_from_a_dora_adapter(loaded: LoadedModel, decomposed: Adapter) -> None:
    trained = with_adapters(loaded, (decomposed, 1.0))
    lora.attach(loaded.model, LoraShape.of("dora", 4, 2.0))
    lora.load_factors(loaded.model, decomposed)
    assert largest_difference(logits(loaded.model, IDS), trained) < 1e-5


def test_a_dora_adapter_does_not_mix(
    loaded: LoadedModel, base: NDArray[np.float32], first: Adapter, decomposed: Adapter
) -> None:
    for adapters in ([(decomposed, 0.5)], [(decomposed, 1.0), (first, 1.0)]):
        with pytest.raises(OvernightError) as caught:
            lora.apply_adapters(loaded.model, adapters)
        assert caught.value.kind is ErrorKind.BAD_INPUT
        assert (logits(loaded.model, IDS) == base).all()


def test_the_scale_of_a_rank_stabilised_adapter_falls_with_the_root_of_the_rank() -> None:
    assert LoraShape.of("lora", 16, 2.0) == LoraShape(16, 2.0)
    assert LoraShape.of("rslora", 16, 2.0) == LoraShape(16, 2.0)  # where scale was chosen
    assert LoraShape.of("rslora", 64, 2.0) == LoraShape(64, 1.0)
    assert LoraShape.of("rslora", 256, 2.0) == LoraShape(256, 0.5)
