"""Tokens that are generated one by one, and several at once where an answer quotes."""

from __future__ import annotations

from collections.abc import Callable

import mlx.core as mx
import pytest
from hypothesis import given
from hypothesis.strategies import integers, lists
from mlx_lm import stream_generate
from mlx_lm.sample_utils import make_sampler

from mlx_backend.models import decoding
from mlx_backend.models.base_model import LoadedModel
from mlx_backend.models.decoding import Decoder
from mlx_backend.models.prompt_cache import PromptCache
from mlx_backend.models.prompt_lookup import LONGEST_GUESS, PromptLookup

PROMPT = [7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 7, 8, 9]
Sampler = Callable[[mx.array], mx.array]


def generated(
    loaded: LoadedModel,
    sampler: Sampler,
    is_greedy: bool,
    lookup: PromptLookup | None,
    most: int = 40,
) -> tuple[list[int], int, PromptCache]:
    """The tokens after PROMPT, how many were guessed, and the cache afterwards."""
    cache = PromptCache.of(loaded.model)
    cache.read(PROMPT, len(PROMPT) - 1, lambda *_: None)
    tokens = list(Decoder(cache, sampler, is_greedy, lookup).tokens(PROMPT[-1:], most))
    return [token.id for token in tokens], sum(token.is_drafted for token in tokens), cache


def assert_holds_its_ids(loaded: LoadedModel, cache: PromptCache) -> None:
    """The cache goes on as one that has read its ids in one go."""
    again = PromptCache.of(loaded.model)
    again.read(cache.ids, len(cache.ids), lambda *_: None)
    one, other = (each.feed(mx.array([5])) for each in (cache, again))
    assert mx.allclose(one, other, atol=1e-4)


@pytest.mark.parametrize("seed", [None, 1, 2])
def test_tokens_are_those_of_mlx_lm(loaded: LoadedModel, seed: int | None) -> None:
    temperature = 0.0 if seed is None else 1.0
    mx.random.seed(seed or 0)
    wanted = [
        response.token
        for response in stream_generate(
            loaded.model,
            loaded.tokenizer,
            PROMPT,
            max_tokens=40,
            sampler=make_sampler(temperature, 0.9),
        )
    ]
    for lookup in (None, PromptLookup(PROMPT)):
        mx.random.seed(seed or 0)
        sampler = make_sampler(temperature, 0.9)
        found, _, cache = generated(loaded, sampler, seed is None, lookup)
        assert found[: len(wanted)] == wanted
        assert_holds_its_ids(loaded, cache)


@pytest.mark.parametrize("ends", range(1, 16))
def test_what_is_guessed_is_taken_as_far_as_it_is_right(loaded: LoadedModel, ends: int) -> None:
    """The answer quotes the prompt from its third token on, for a while."""
    script = [*PROMPT[3 : 3 + ends], 60, 61, 62]
    cache = PromptCache.of(loaded.model)
    cache.read(PROMPT, len(PROMPT) - 1, lambda *_: None)
    chosen: list[int] = []

    class Says:
        """Takes what the script has after what was generated; rows are asked for in order."""

        def __call__(self, rows: mx.array) -> mx.array:
            assert len(rows) == 1
            place = len(chosen)
            chosen.append(script[place] if place < len(script) else 99)
            return mx.array(chosen[-1:])

    decoder = Decoder(cache, Says(), is_greedy=False, lookup=PromptLookup(PROMPT))
    found = list(decoder.tokens(PROMPT[-1:], len(script)))
    assert [token.id for token in found] == script
    assert sum(token.is_drafted for token in found) >= min(ends, LONGEST_GUESS) - 2
    held = [*PROMPT, *script]
    assert cache.ids == held[: len(cache.ids)]
    assert len(cache.ids) >= len(held) - 2
    assert_holds_its_ids(loaded, cache)


def test_where_rounding_might_decide_one_token_alone_is_computed(
    loaded: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    sampler = make_sampler(0.0)
    plain, _, _ = generated(loaded, sampler, True, None)
    repeated = PromptLookup([*PROMPT, *plain, *PROMPT])
    guessed, drafted, _ = generated(loaded, sampler, True, repeated)
    assert guessed == plain
    assert drafted
    monkeypatch.setattr(decoding, "rounding_of", lambda _: 10.0)
    doubted, none, cache = generated(
        loaded, sampler, True, PromptLookup([*PROMPT, *plain, *PROMPT])
    )
    assert (doubted, none) == (plain, 0)
    assert_holds_its_ids(loaded, cache)


@pytest.mark.parametrize("stop", range(1, 12))
def test_who_stops_listening_leaves_a_sound_cache(loaded: LoadedModel, stop: int) -> None:
    sampler = make_sampler(0.0)
    plain, _, _ = generated(loaded, sampler, True, None)
    cache = PromptCache.of(loaded.model)
    cache.read(PROMPT, len(PROMPT) - 1, lambda *_: None)
    lookup = PromptLookup([*PROMPT, *plain, *PROMPT])
    tokens = Decoder(cache, sampler, True, lookup).tokens(PROMPT[-1:], 40)
    assert [next(tokens).id for _ in range(stop)] == plain[:stop]
    tokens.close()  # type: ignore[attr-defined]
    assert cache.ids[: len(PROMPT) + stop - 1] == [*PROMPT, *plain][: len(PROMPT) + stop - 1]
    assert_holds_its_ids(loaded, cache)


def test_nothing_is_guessed_where_nothing_like_it_stood_before() -> None:
    lookup = PromptLookup([1, 2, 3, 4, 5])
    assert lookup.guess(8) == []
    for token in (1, 2):
        lookup.add(token)
    assert lookup.guess(8) == []
    lookup.add(3)
    assert lookup.guess(8) == [4, 5, 1, 2, 3]
    assert lookup.guess(2) == [4, 5]
    assert lookup.guess(1) == []


def test_wrong_guesses_pause_the_guessing_for_longer_each_time() -> None:
    lookup = PromptLookup([1, 2, 3] * 400)
    pauses = []
    for _ in range(8):
        lookup.judge(0)
        pauses.append(0)
        while not lookup.guess(8):
            lookup.add([1, 2, 3][sum(pauses) % 3])
            pauses[-1] += 1
    assert pauses == [2, 4, 8, 16, 32, 32, 32, 32]
    lookup.judge(5)
    assert lookup.guess(8)


@given(lists(integers(0, 3), max_size=60))
def test_a_guess_is_what_followed_the_last_three_tokens_the_last_time(ids: list[int]) -> None:
    places = [place + 3 for place in range(len(ids) - 3) if ids[place : place + 3] == ids[-3:]]
    wanted = ids[places[-1] :][:LONGEST_GUESS] if places else []
    assert PromptLookup(ids).guess(20) == (wanted if len(wanted) > 1 else [])
