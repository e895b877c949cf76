"""What is kept of conversations over turns, edits, branches and adapters; all kinds of caches."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import mlx.core as mx
import pytest
from hypothesis import given
from hypothesis.strategies import integers, lists
from mlx_lm.models import base, llama
from mlx_lm.models.cache import KVCache, QuantizedKVCache

from mlx_backend.library import Library
from mlx_backend.machine.arrays import largest_difference
from mlx_backend.models import prompt_caches, small_caches
from mlx_backend.models.base_model import LoadedModel, load_base_model
from mlx_backend.models.generated_answers import GeneratedAnswers
from mlx_backend.models.inference import ChatModel
from mlx_backend.models.listener import Listener
from mlx_backend.models.prompt_cache import Owner, PromptCache, shared_length
from mlx_backend.models.prompt_caches import PromptCaches
from mlx_backend.models.small_caches import made_small
from mlx_backend.protocol import Sampling
from tests.mlx_backend.made import make_adapter
from tests.mlx_backend.model_types import write_model
from tests.mlx_backend.models.conversing import GREEDY, LONG, asked, fresh, talk

KINDS = ["llama", "gemma3_text", "lfm2", "mamba2", "qwen3_next", "llama4"]
"""Plain, rotating, recurrent, both, chunked."""

Make = Callable[[str], LoadedModel]


@pytest.fixture
def make(library: Library, tiny_folders: dict[str, Path]) -> Make:
    def made(kind: str) -> LoadedModel:
        write_model(library.models / kind, kind, tiny_folders["tiny"])
        return load_base_model(library, kind)

    return made


def never() -> bool:
    return False


@pytest.mark.parametrize("kind", KINDS)
def test_a_conversation_goes_on_from_all_that_was_said(make: Make, kind: str) -> None:
    loaded = make(kind)
    chat = ChatModel(loaded)
    turns = talk(chat, LONG, "And when?")
    before = len(loaded.form.prompt(turns[:-1], generated=chat._generated))
    turns += asked("Where, then?")
    answer = chat.answer(turns, GREEDY)
    assert answer.cached_tokens >= before - 1  # the last token of a cut answer was never read
    assert answer.text == fresh(loaded, chat, turns)


@pytest.mark.parametrize("kind", KINDS)
def test_branches_are_kept_side_by_side(make: Make, kind: str) -> None:
    loaded = make(kind)
    chat = ChatModel(loaded)
    turns = talk(chat, LONG, "And when? " + LONG)
    one, other = [*turns, *asked("Why?")], [*turns[:2], *asked("Another question? " + LONG)]
    chat.answer(one, GREEDY)
    edited = chat.answer(other, GREEDY)
    assert edited.cached_tokens > len(loaded.form.prompt(turns[:1])) / 2
    assert edited.text == fresh(loaded, chat, other)
    back = chat.answer(one, GREEDY)
    assert back.cached_tokens > edited.cached_tokens
    assert back.text == fresh(loaded, chat, one)


@pytest.mark.parametrize("kind", ["llama", "lfm2"])
def test_conversations_are_kept_side_by_side(make: Make, kind: str) -> None:
    loaded = make(kind)
    chat = ChatModel(loaded)
    one, other = talk(chat, LONG), talk(chat, "Something else entirely. " + LONG)
    for turns in (one, other, one):
        answer = chat.answer([*turns, *asked("Why?")], GREEDY)
        assert answer.cached_tokens > len(loaded.form.prompt(turns[:1])) - 8
        assert answer.text == fresh(loaded, chat, [*turns, *asked("Why?")])


def test_the_ids_that_were_generated_are_kept(make: Make) -> None:
    """Another way to cut the same text into tokens would not go on from the cache."""
    loaded = make("llama")
    answers = GeneratedAnswers()
    letters = [loaded.form.text_ids(letter)[0] for letter in "the"]
    assert loaded.form.text_ids("the") != letters
    answers.add("the", letters)
    turns = asked("Who?", "the", "And?")
    prompt = loaded.form.prompt(turns, generated=answers)
    assert prompt != loaded.form.prompt(turns)
    answers.add("elsewhere", [5, 6, 7])
    assert answers.within(prompt) == {"the": letters}
    (begin,) = [place for place in range(len(prompt)) if prompt[place : place + 3] == letters]
    assert answers.within(prompt[: begin + 2]) == {"the": letters}  # its last token was never read


@pytest.mark.parametrize("kind", ["llama", "gemma3_text", "lfm2"])
def test_what_is_typed_is_read_ahead(make: Make, kind: str) -> None:
    loaded = make(kind)
    chat = ChatModel(loaded)
    turns = talk(chat, LONG)
    tokens = 0
    for typed in ("Who keeps the red note", f"Who keeps the red notebook with {LONG}"):
        tokens, is_done = chat.read_ahead([*turns, *asked(typed)], never)
        assert is_done
        assert 0 < tokens < len(loaded.form.prompt([*turns, *asked(typed)]))
    question = [*turns, *asked(f"Who keeps the red notebook with {LONG} And why?")]
    answer = chat.answer(question, GREEDY)
    assert answer.cached_tokens >= tokens
    assert answer.text == fresh(loaded, chat, question)


@pytest.mark.parametrize("kind", ["llama", "gemma3_text", "lfm2"])
def test_what_was_typed_and_deleted_again_harms_nothing(make: Make, kind: str) -> None:
    loaded = make(kind)
    chat = ChatModel(loaded)
    turns = talk(chat, LONG)
    chat.read_ahead([*turns, *asked("Never mind. " + LONG)], never)
    other = [*turns, *asked("And when?")]
    answer = chat.answer(other, GREEDY)
    assert answer.text == fresh(loaded, chat, other)
    assert answer.cached_tokens > 0.8 * answer.prompt_tokens
    assert len(chat._caches.kept) == 1  # a draft takes no memory of its own


@pytest.mark.parametrize("kind", ["llama", "lfm2"])
def test_reading_ahead_ends_when_called_and_goes_on_from_there(make: Make, kind: str) -> None:
    loaded = make(kind)
    chat = ChatModel(loaded)
    question = asked(" ".join([LONG] * 5))
    looks = iter([False, False, True])
    tokens, is_done = chat.read_ahead(question, lambda: next(looks))
    assert not is_done
    assert 0 < tokens < len(loaded.form.prompt(question)) / 2
    assert chat.read_ahead(question, lambda: True) == (tokens, False)
    assert chat.answer(question, GREEDY).text == fresh(loaded, chat, question)


def test_a_cancelled_answer_is_gone_on_from(make: Make) -> None:
    loaded = make("llama")
    chat = ChatModel(loaded)
    long = Sampling(temperature=0.0, max_tokens=100)
    heard: list[str] = []
    cut = chat.answer(asked(LONG), long, Listener(heard.append, lambda: len(heard) > 4))
    assert cut.ended == "cancelled"
    more = chat.answer(asked(LONG), Sampling(temperature=0.0, max_tokens=20), begun=cut.text)
    assert more.cached_tokens >= more.prompt_tokens - 2
    assert fresh(loaded, chat, asked(LONG), long).startswith(cut.text + more.text)


def test_adapters_have_caches_of_their_own_that_outlast_a_switch(
    make: Make, tmp_path: Path
) -> None:
    loaded = make("llama")
    adapter = make_adapter(tmp_path, loaded, "first")
    chat = ChatModel(loaded)
    base = chat.answer(asked(LONG), GREEDY)
    for weight in (1.0, 0.5):
        chat.use([(adapter, weight)])
        assert chat.answer(asked(LONG), GREEDY).cached_tokens == 0
    for adapters in ([(adapter, 1.0)], [(adapter, 0.5)], []):
        chat.use(adapters)
        again = chat.answer(asked(LONG), GREEDY)
        assert again.cached_tokens == again.prompt_tokens - 1
    chat.use([(adapter, 0.0)])  # is the base
    answer = chat.answer(asked(LONG), GREEDY)
    assert (answer.text, answer.cached_tokens) == (base.text, base.prompt_tokens - 1)


def test_the_least_recently_used_go_first(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    model = make("llama").model
    room = [10**9]
    caches = PromptCaches(model, None, room=lambda: room[0])

    def read(first: int) -> list[int]:
        """What is kept, by first token, after another prompt was read."""
        cache = caches.take([first] * 600, Owner())
        cache.read([first] * 600, 300, lambda *_: None)
        cache.said = 300
        caches.keep(cache)
        return [each.ids[0] for each in caches.kept]

    assert read(3) == [3]
    room[0] = 5 * caches.kept[0].bytes // 2
    assert read(4) == [4, 3]
    assert read(3) == [3, 4]
    assert read(5) == [5, 3]
    room[0] = 0
    assert read(6) == [6]  # the last one stays, whatever it takes
    room[0] = 10**9
    monkeypatch.setattr(prompt_caches, "_MOST", 2)
    assert [read(first) for first in (7, 8)] == [[7, 6], [8, 7]]


def test_a_deleted_conversation_is_forgotten(make: Make) -> None:
    chat = ChatModel(make("llama"))
    chat.use([], conversation=5)
    talk(chat, LONG)
    chat.forget(5)
    assert chat.answer(asked(LONG), GREEDY).cached_tokens == 0


def test_a_failed_adapter_leaves_the_model_as_it_was(make: Make, tmp_path: Path) -> None:
    loaded = make("llama")
    chat = ChatModel(loaded)
    good, gone = (make_adapter(tmp_path, loaded, name, seed) for seed, name in enumerate("ab"))
    chat.use([(good, 1.0)])
    said = chat.answer(asked(LONG), GREEDY)
    (gone.path / "adapters.safetensors").unlink()
    with pytest.raises(Exception, match="is damaged"):
        chat.use([(gone, 1.0)])
    again = chat.answer(asked(LONG), GREEDY)
    assert (again.text, again.cached_tokens) == (said.text, again.prompt_tokens - 1)


def test_long_caches_are_made_small_on_a_gpu_alone(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a CPU mlx-lm computes with quantised caches too, slowly."""
    monkeypatch.setattr(small_caches, "LONG", 40)
    model = make("llama").model
    monkeypatch.setattr(llama, "scaled_dot_product_attention", base.scaled_dot_product_attention)
    cache = [KVCache(), KVCache()]
    for each in cache:
        each.update_and_fetch(mx.random.normal((1, 2, 60, 64)), mx.random.normal((1, 2, 60, 64)))
    assert made_small(model, cache) == cache
    small = made_small(model, cache, on_gpu=True)
    assert {type(each) for each in small} == {QuantizedKVCache}
    weights, scales, biases = small[0].keys
    whole = mx.dequantize(weights, scales, biases, group_size=64, bits=8)[..., :60, :]
    assert largest_difference(whole, cache[0].keys[..., :60, :]) < 0.05
    short = [KVCache()]
    short[0].update_and_fetch(mx.zeros((1, 2, 8, 64)), mx.zeros((1, 2, 8, 64)))
    assert made_small(model, short, on_gpu=True) == short
    recurrent = make("lfm2").model
    assert made_small(recurrent, PromptCache.of(recurrent).layers, on_gpu=True)


@given(lists(integers(0, 1), max_size=5), lists(integers(0, 1), max_size=5), integers(0, 1100))
def test_the_shared_length_is_that_of_the_common_beginning(
    one: list[int], other: list[int], before: int
) -> None:
    whole = zip([*[3] * before, *one], [*[3] * before, *other], strict=False)
    wanted = sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], whole))
    assert shared_length([*[3] * before, *one], (*[3] * before, *other)) == wanted
