"""The likelihood of texts after contexts that are read once."""

from __future__ import annotations

from typing import Any

import pytest
from mlx_lm.models.cache import CacheList, KVCache, RotatingKVCache

from mlx_backend.models import likelihood
from mlx_backend.models.base_model import LoadedModel
from mlx_backend.models.likelihood import (
    after_one_beginning,
    likelihoods,
    likelihoods_after,
    summed_losses,
)

CONTEXTS = ["Note: Mill\nQuestion:", "The mill turns slowly in summer.\nQuestion:", "a", "b c d"]
TEXTS = ["Who built it?", "When does the old mill turn, and why?", "x"]


def one_by_one(loaded: LoadedModel) -> list[list[float]]:
    rows = [likelihoods(loaded, CONTEXTS, [text] * len(CONTEXTS)) for text in TEXTS]
    return [list(each) for each in zip(*rows, strict=True)]


@pytest.mark.parametrize("rows", [1, 3, 8])
def test_contexts_that_are_read_once_give_the_same_likelihoods(
    loaded: LoadedModel, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    monkeypatch.setattr(likelihood, "_ROWS_READ", rows)
    found = likelihoods_after(loaded, CONTEXTS, TEXTS)
    for each, expected in zip(found, one_by_one(loaded), strict=True):
        assert each == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("cache", [RotatingKVCache(8), CacheList(KVCache(), KVCache())])
def test_a_model_whose_cache_cannot_be_padded_reads_each_text_anew(
    loaded: LoadedModel, monkeypatch: pytest.MonkeyPatch, cache: object
) -> None:
    def fails(*_: Any) -> None:
        raise AssertionError("a padded cache was made")

    monkeypatch.setattr(likelihood, "make_prompt_cache", lambda _: [cache])
    monkeypatch.setattr(likelihood, "BatchKVCache", fails)
    assert likelihoods_after(loaded, CONTEXTS, TEXTS) == one_by_one(loaded)


def test_a_model_that_takes_no_batches_reads_each_text_anew(
    loaded: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> None:
        raise TypeError("offset is no number")

    monkeypatch.setattr(likelihood, "BatchKVCache", fails)
    assert likelihoods_after(loaded, CONTEXTS, TEXTS) == one_by_one(loaded)


def test_no_contexts_have_no_likelihoods(loaded: LoadedModel) -> None:
    assert likelihoods_after(loaded, [], TEXTS) == []


def test_texts_after_one_beginning_are_as_likely_as_each_alone(loaded: LoadedModel) -> None:
    texts = [[5, 6, 7], [9], [5, 6, 8, 10, 11], [12, 13]]
    for beginning in ([1], [1, 50, 60, 70]):
        together = after_one_beginning(loaded, beginning, texts)
        pairs = [([*beginning, *text], len(beginning)) for text in texts]
        alone = [-loss for loss, _ in summed_losses(loaded, pairs)]
        assert together == pytest.approx(alone, abs=1e-3)
