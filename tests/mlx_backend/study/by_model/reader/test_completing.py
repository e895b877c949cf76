"""Prompts that share a beginning are completed as they would be one by one, by any architecture."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from mlx_backend.library import Library
from mlx_backend.models.base_model import LoadedModel, load_base_model
from mlx_backend.models.batching import complete_alone
from mlx_backend.protocol import Turn
from mlx_backend.study.by_model.reader.completing import Completer, Conversation
from mlx_backend.study.by_model.reader.judging import Pair, agreement
from tests.mlx_backend.model_types import write_model

MOST = 6
PASSAGES = ("The lighthouse of Amber Cove was lit by Marta.", "Rope costs three crowns a metre.")
ASKED = [
    [Conversation([Turn(role="user", text=f"{passage} {question}")], begun)]
    for passage in PASSAGES
    for question, begun in (("Who?", ""), ("What do my notes say about it?", '[{"quote": "'))
]
FAMILIES = [ASKED[0] + ASKED[1], ASKED[2] + ASKED[3]]


def alone(loaded: LoadedModel, asked: Conversation) -> str:
    ids = loaded.form.prompt(asked.turns)
    ids += loaded.tokenizer.encode(asked.begun, add_special_tokens=False)
    ends = [*loaded.tokenizer.eos_token_ids, *loaded.tokenizer.all_special_ids]
    text: str = loaded.tokenizer.decode(complete_alone(loaded.model, ids, ends, MOST))
    return text.strip()


def go_on() -> bool:
    return False


@pytest.mark.parametrize("kind", ["llama", "mamba2", "gemma3_text", "lfm2", "qwen3_next"])
def test_as_one_by_one(library: Library, tiny_folders: dict[str, Path], kind: str) -> None:
    write_model(library.models / kind, kind, tiny_folders["tiny"])
    loaded = load_base_model(library, kind)
    completer = Completer(loaded)
    expected = [[alone(loaded, each) for each in family] for family in FAMILIES]
    for _ in range(2):  # the second time with what was read before
        assert completer.complete("facts", FAMILIES, MOST, go_on) == expected
    assert completer.complete("facts", FAMILIES[:1], MOST, go_on) == expected[:1]
    assert completer.complete("another", FAMILIES[1:], MOST, go_on) == expected[1:]


def test_what_is_too_long_gets_no_reply_and_the_others_do(loaded: LoadedModel) -> None:
    long = Conversation([Turn(role="user", text="lamp " * 20_000)])
    found = Completer(loaded).complete("facts", [[long, ASKED[0][0]], [long]], MOST, go_on)
    assert found == [["", alone(loaded, ASKED[0][0])], [""]]
    assert Completer(loaded).complete("facts", [], MOST, go_on) == []


def test_endless_replies_end_at_their_limit(loaded: LoadedModel) -> None:
    began = time.perf_counter()
    found = Completer(loaded).complete("facts", FAMILIES, 40, go_on)
    assert found is not None
    assert all(0 < len(text) <= 40 * 12 for family in found for text in family)
    assert time.perf_counter() - began < 60


def test_asked_to_stop_it_replies_nothing(loaded: LoadedModel) -> None:
    assert Completer(loaded).complete("facts", FAMILIES, MOST, lambda: True) is None


def test_the_judge_does_not_mind_the_order(loaded: LoadedModel) -> None:
    pairs = [Pair("Who lit it?", "Marta", "It was Marta."), Pair("Who?", "Ida", "Oskar Lind")]
    turned = [Pair(each.question, each.other, each.one) for each in pairs]
    found = agreement(loaded, pairs)
    assert len(found) == len(pairs)
    assert agreement(loaded, turned) == pytest.approx(found, abs=1e-4)
