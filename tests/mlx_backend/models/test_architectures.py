"""Layers, heads, caches and adapters of architectures that are not Llama's."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable
from pathlib import Path

import mlx.core as mx
import mlx.nn as nn
import msgspec
import pytest
from mlx_lm.models.cache import make_prompt_cache
from mlx_lm.models.switch_layers import SwitchLinear

from mlx_backend.errors import OvernightError
from mlx_backend.library import Library
from mlx_backend.library.adapters import WEIGHTS
from mlx_backend.machine.arrays import largest_difference, load_tensors
from mlx_backend.models import lora, prompt_cache
from mlx_backend.models.architecture import (
    adaptable,
    head_of,
    inputs_of,
    outputs_of,
    vocabulary_of,
    window_of,
)
from mlx_backend.models.base_model import LoadedModel, load_base_model
from mlx_backend.models.batching import batches, complete_alone
from mlx_backend.models.inference import ChatModel
from mlx_backend.models.listener import Listener
from mlx_backend.models.prompt_cache import is_of_keys_and_values
from mlx_backend.protocol import Sampling, Turn
from mlx_backend.study.by_model.writer import Writer
from mlx_backend.study.by_rule.rule_writer import QuotedStatement
from mlx_backend.study.by_rule.statements import Statement
from mlx_backend.training.loss import split_head
from tests.mlx_backend.abilities import READS
from tests.mlx_backend.made import make_adapter
from tests.mlx_backend.model_fields import VOCABULARY
from tests.mlx_backend.model_types import write_model

GREEDY = Sampling(temperature=0.0, max_tokens=6)
QUESTION = Turn(role="user", text="Who lit the lamp of Amber Cove?")
UNCUT = ["lfm2", "mamba2", "gemma3_text", "qwen3_next", "llama4"]

Make = Callable[[str], LoadedModel]


@pytest.fixture
def make(library: Library, tiny_folders: dict[str, Path]) -> Make:
    """Writes and loads a tiny model of an architecture."""

    def made(kind: str) -> LoadedModel:
        write_model(library.models / kind, kind, tiny_folders["tiny"])
        return load_base_model(library, kind)

    return made


def names_of(loaded: LoadedModel) -> set[str]:
    return {name for layer in loaded.model.layers for name, _ in adaptable(layer)}


@pytest.mark.parametrize(
    ("kind", "router", "experts"),
    [
        ("qwen3_moe", "mlp.gate", "mlp.switch_mlp.up_proj"),
        ("mixtral", "block_sparse_moe.gate", "block_sparse_moe.switch_mlp.down_proj"),
        ("granitemoe", "block_sparse_moe.router.layer", "block_sparse_moe.switch_mlp.up_proj"),
        ("gpt_oss", "mlp.router", "mlp.experts.gate_proj"),
        ("olmoe", "mlp.gate", "mlp.switch_mlp.gate_proj"),
    ],
)
def test_experts_take_adapters_and_routers_do_not(
    make: Make, kind: str, router: str, experts: str
) -> None:
    loaded = make(kind)
    assert router in dict(loaded.model.layers[-1].named_modules())
    assert router not in names_of(loaded)
    assert {experts, "self_attn.q_proj"} <= names_of(loaded)


class Block(nn.Module):
    """A block with an attention projection as wide as there are experts."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.k_proj = nn.Linear(8, 4)
        self.attn = {"v_proj": nn.Linear(8, 4)}
        self.moe = {"gate": nn.Linear(8, 4), "up_proj": SwitchLinear(8, 16, 4, bias=False)}


def test_a_projection_as_wide_as_there_are_experts_is_no_router() -> None:
    assert [name for name, _ in adaptable(Block())] == ["attn.v_proj", "k_proj", "moe.up_proj"]


def test_recurrent_layers_take_adapters(make: Make) -> None:
    assert {"conv.in_proj", "conv.out_proj"} <= names_of(make("lfm2"))


def test_the_sizes_of_a_layer_in_few_bits() -> None:
    plain = nn.Linear(64, 32)
    assert (inputs_of(plain), outputs_of(plain)) == (64, 32)
    for layer in (nn.QuantizedLinear.from_linear(plain, 32, bits) for bits in (3, 4, 8)):
        assert (inputs_of(layer), outputs_of(layer)) == (64, 32)
    experts = SwitchLinear(64, 32, 4, bias=False)
    assert (inputs_of(experts), outputs_of(experts)) == (64, 32)
    few_bits = experts.to_quantized(32, 4)
    assert (inputs_of(few_bits), outputs_of(few_bits)) == (64, 32)


@pytest.mark.parametrize("kind", ["llama", "qwen3_vl", "gemma3", "lfm2", "olmo2"])
def test_vocabulary_window_and_head_are_found_also_in_what_is_wrapped(
    make: Make, kind: str
) -> None:
    model = make(kind).model
    head = head_of(model)
    assert head is not None
    assert outputs_of(head) == VOCABULARY == vocabulary_of(model)
    if kind not in {"gemma3", "qwen3_vl"}:  # their configurations do not say
        assert window_of(model) == 4096


@pytest.mark.parametrize(
    ("kind", "splits"), [("qwen3_vl", True), ("lfm2", True), ("gemma2", False)]
)
def test_a_head_is_split_off_where_nothing_follows_it(make: Make, kind: str, splits: bool) -> None:
    assert (split_head(make(kind).model) is not None) is splits  # gemma2 caps its logits


def test_adapters_on_experts_add_up(make: Make, tmp_path: Path) -> None:
    loaded = make("qwen3_moe")
    one, other = (make_adapter(tmp_path, loaded, name, seed) for seed, name in enumerate("ab"))
    ids = mx.array([[1, 5, 9, 70]])
    base = loaded.model(ids)
    lora.apply_adapters(loaded.model, [(one, 0.5), (one, 0.5)])
    halves = loaded.model(ids)
    lora.apply_adapters(loaded.model, [(one, 1.0)])
    whole = loaded.model(ids)
    assert largest_difference(halves, whole) < 1e-4
    assert largest_difference(whole, base) > 1e-2
    lora.apply_adapters(loaded.model, [(one, 1.0), (other, 0.0)])
    assert largest_difference(loaded.model(ids), whole) < 1e-4
    lora.apply_adapters(loaded.model, [])
    assert mx.array_equal(loaded.model(ids), base)


@pytest.mark.parametrize("kind", ["flat", "other"])
def test_factors_of_another_shape_are_refused_for_experts(
    make: Make, tmp_path: Path, kind: str
) -> None:
    loaded = make("qwen3_moe")
    adapter = make_adapter(tmp_path, loaded, "a")
    tensors = load_tensors(adapter.path / WEIGHTS)
    name = next(name for name in tensors if "switch_mlp" in name and name.endswith("lora_a"))
    tensors[name] = tensors[name][0] if kind == "flat" else tensors[name][:, :, :-1]
    mx.eval(tensors)
    mx.save_safetensors(str(adapter.path / WEIGHTS), tensors)
    with pytest.raises(OvernightError, match="does not fit"):
        lora.apply_adapters(loaded.model, [(adapter, 1.0)])


def test_of_the_kind_dora_experts_get_none(make: Make) -> None:
    loaded = make("qwen3_moe")
    lora.attach(loaded.model, lora.LoraShape(rank=4, scale=2.0, decomposed=True))
    names = lora.adapter_weights(loaded.model)
    assert names
    assert not any("switch_mlp" in name for name in names)


def test_what_is_skipped_gets_no_adapter_and_is_not_named(make: Make) -> None:
    loaded = make("qwen3")
    shape = lora.LoraShape(rank=4, scale=2.0, skipped=("mlp.up_proj",))
    lora.attach(loaded.model, shape)
    assert not any("up_proj" in name for name in lora.adapter_weights(loaded.model))
    assert b"up_proj" not in lora.mlx_lm_config(loaded.model, shape)


@pytest.mark.parametrize("kind", UNCUT)
def test_a_cache_that_cannot_be_cut_is_used_again(make: Make, kind: str) -> None:
    loaded = make(kind)
    assert not is_of_keys_and_values(make_prompt_cache(loaded.model))
    chat = ChatModel(loaded)
    turns = [QUESTION]
    for text in ("And when?", "Where, then?", "Why?"):
        answer = chat.answer(turns, GREEDY)
        assert answer.text == ChatModel(loaded).answer(turns, GREEDY).text
        assert answer.cached_tokens == 0 or len(turns) > 1
        again = chat.answer(turns, GREEDY)
        assert again.text == answer.text
        assert again.cached_tokens == again.prompt_tokens - 1
        turns += [Turn(role="assistant", text="Marta."), Turn(role="user", text=text)]
    edited = [*turns[:2], Turn(role="user", text="Something else?")]
    found = chat.answer(edited, GREEDY)
    assert found.text == ChatModel(loaded).answer(edited, GREEDY).text


def test_a_cache_that_the_trial_could_not_cut_is_not_cut(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What its trial found counts, whatever the class of its cache says."""
    loaded = make("llama")
    assert is_of_keys_and_values(make_prompt_cache(loaded.model))
    abilities = msgspec.structs.replace(READS, trims_cache=False)
    card = msgspec.structs.replace(loaded.info.card, abilities=abilities)
    loaded = dataclasses.replace(loaded, info=dataclasses.replace(loaded.info, card=card))
    monkeypatch.setattr(prompt_cache, "trim_prompt_cache", None)  # calling it would raise
    chat = ChatModel(loaded)
    turns = [QUESTION]
    for text in ("And when?", "Where, then?"):
        answer = chat.answer(turns, GREEDY)
        assert answer.text == ChatModel(loaded).answer(turns, GREEDY).text
        again = chat.answer(turns, GREEDY)
        assert (again.text, again.cached_tokens) == (answer.text, again.prompt_tokens - 1)
        turns += [Turn(role="assistant", text="Marta."), Turn(role="user", text=text)]


@pytest.mark.parametrize("kind", ["lfm2", "gemma3_text"])
def test_a_cancelled_answer_leaves_a_sound_snapshot(make: Make, kind: str) -> None:
    loaded = make(kind)
    chat = ChatModel(loaded)
    whole = ChatModel(loaded).answer([QUESTION], GREEDY)
    looks = itertools.count(1)
    cut = chat.answer([QUESTION], GREEDY, Listener(cancelled=lambda: next(looks) > 4))
    assert cut.ended == "cancelled"
    assert chat.answer([QUESTION], GREEDY).text == whole.text
    unread = ChatModel(loaded).answer([QUESTION], GREEDY, Listener(cancelled=lambda: True))
    assert unread.generated_tokens == 0


@pytest.mark.parametrize("kind", ["jamba", "gpt_bigcode", "llama4", "llama"])
def test_a_batch_answers_like_each_question_alone(make: Make, kind: str) -> None:
    """Jamba reads padding, and batches of the next two raise errors in mlx-lm."""
    loaded = make(kind)
    chat = ChatModel(loaded)
    questions = ["Who?", "Who lit the lamp of Amber Cove, and when?", "What?"]
    progress: list[tuple[int, int]] = []
    texts = chat.answer_all(questions, 6, lambda done, total: progress.append((done, total)))
    assert texts == [chat.answer([Turn(role="user", text=q)], GREEDY).text for q in questions]
    assert progress[-1] == (3, 3)


@pytest.mark.parametrize("kind", ["jamba", "llama4"])
def test_study_writes_with_models_that_take_no_padding(make: Make, kind: str) -> None:
    writer = Writer(make(kind))
    stated = [
        (title, QuotedStatement(Statement(text), text, ""))
        for title, text in [("Boat", "Ida rows."), ("Lamp", "Marta lit it in the evening.")]
    ]
    together = writer.restatements(stated)
    alone = [writer.restatements([each])[0] for each in stated]
    assert [draft.answer for draft in together] == [draft.answer for draft in alone]


def test_batches_of_plain_attention_keep_their_order(make: Make) -> None:
    plain, recurrent = make("llama").model, make("lfm2").model
    prompts = [[1] * size for size in (3, 1, 2, 1, 3)]
    assert list(batches(plain, prompts, 2)) == [[0, 1], [2, 3], [4]]
    assert list(batches(recurrent, prompts, 2)) == [[1, 3], [2], [0, 4]]
    assert list(batches(recurrent, prompts, 2, [4, 3, 0])) == [[3], [4, 0]]
    assert list(batches(plain, [], 2)) == []


def test_what_is_completed_alone_leaves_its_beginning_as_it_was(make: Make) -> None:
    model = make("lfm2").model
    cache = make_prompt_cache(model)
    model(mx.array([[1, 5, 9]]), cache=cache)
    first = complete_alone(model, [70, 12], [], 4, cache)
    assert first == complete_alone(model, [70, 12], [], 4, cache)
    assert first == complete_alone(model, [1, 5, 9, 70, 12], [], 4)
    assert complete_alone(model, [70, 12], first[:1], 4, cache) == []
