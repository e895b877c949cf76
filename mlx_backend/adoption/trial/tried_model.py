"""What a trial finds out about a loaded model: its layers, and whether it computes as it should."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import mlx.core as mx
import mlx.nn as nn
from mlx_lm.models.cache import (
    ArraysCache,
    CacheList,
    ChunkedKVCache,
    RotatingKVCache,
    make_prompt_cache,
    trim_prompt_cache,
)

from mlx_backend.adoption.trial.tried_tokenizer import UnfitError
from mlx_backend.library.abilities import LayerKind
from mlx_backend.machine.arrays import flatten, number, rounding_of
from mlx_backend.models.architecture import Experts, window_of
from mlx_backend.models.base_model import LoadedModel
from mlx_backend.models.inference import ChatModel
from mlx_backend.models.prompt_cache import copied, is_of_keys_and_values
from mlx_backend.protocol import Turn

_QUESTIONS = (
    "When was the lamp lit?",
    "Who keeps the shop that sells rope and lamps beside the pier, and what does a rope cost?",
    "Where does Marta keep the red notebook?",
)
_SHORT_ANSWER = 4  # tokens
_LONGEST_TRIED = 96  # tokens
_TAKEN_BACK = 5  # tokens
_ROUNDINGS = 5.0  # of one layer after another; a cache that is wrong differs by far more


def check_weights(model: nn.Module) -> None:
    """Raise UnfitError where a number is infinite or none at all."""
    for name, array in flatten(model.parameters()).items():
        if mx.issubdtype(array.dtype, mx.floating) and not bool(mx.isfinite(array).all()):
            raise UnfitError(f"some of its numbers are infinite or no numbers ({name})")


def kinds_of_layers(model: nn.Module) -> tuple[LayerKind, ...]:
    """The kinds of layers, by what each remembers, and whether there are experts among them."""
    caches = list(_flat(make_prompt_cache(model)))
    found: list[LayerKind] = []
    is_sliding = [isinstance(each, RotatingKVCache | ChunkedKVCache) for each in caches]
    is_recurrent = [
        isinstance(each, ArraysCache) or not hasattr(each, "update_and_fetch") for each in caches
    ]
    if any(not (s or r) for s, r in zip(is_sliding, is_recurrent, strict=True)):
        found.append("attention")
    if any(is_sliding):
        found.append("sliding attention")
    if any(is_recurrent):
        found.append("recurrent")
    if any(isinstance(module, Experts) for _, module in model.named_modules()):
        found.append("experts")
    return tuple(found)


def check_outputs(loaded: LoadedModel, largest_id: int) -> None:
    """Read a question. Raises UnfitError for tokens without an output, and for odd outputs."""
    ids = _ids(loaded)
    known = int(loaded.model(mx.array([[0]])).shape[-1])
    if largest_id >= known:
        raise UnfitError(
            f"its tokenizer has tokens up to number {largest_id}, and it knows {known} tokens"
        )
    logits = loaded.model(mx.array(ids)[None])
    if not bool(mx.isfinite(logits).all()):
        raise UnfitError("its outputs are not finite")


def try_cache(loaded: LoadedModel) -> bool:
    """Whether the last tokens of a cache can be taken back, as it is really tried.

    Raises UnfitError where the model computes something else after what it remembers than after
    the same text read at once, or after a copy of what it remembers. Gemma 3n does so without any
    memory, where mlx-lm lets none of its layers share keys: training it would teach another model.
    """
    ids = _ids(loaded)
    half = len(ids) // 2
    whole = _read(loaded.model, ids, make_prompt_cache(loaded.model))
    if not _is_close(loaded.model(mx.array(ids)[None])[0, -1], whole):
        raise UnfitError("in training it would compute something else than in an answer")
    cache = make_prompt_cache(loaded.model)
    _read(loaded.model, ids[:half], cache)
    for layers in (copied(cache), cache):
        if not _is_close(_read(loaded.model, ids[half:], layers), whole):
            raise UnfitError("it went on otherwise than after reading the whole")
    return is_of_keys_and_values(cache) and _can_be_trimmed(loaded.model, ids, whole)


def check_answers(loaded: LoadedModel) -> None:
    """Answer some questions together and alone. Raises UnfitError where most answers differ.

    A single one may: where two tokens are nearly as likely, rounding chooses.
    """
    chat = ChatModel(loaded)
    together = chat.answer_all(_QUESTIONS, _SHORT_ANSWER)
    alone = [chat.answer_all([question], _SHORT_ANSWER)[0] for question in _QUESTIONS]
    same = sum(_letters(a) == _letters(b) for a, b in zip(together, alone, strict=True))
    if 2 * same < len(_QUESTIONS):
        raise UnfitError("the answers are others than those to each question by itself")


def _can_be_trimmed(model: nn.Module, ids: list[int], whole: mx.array) -> bool:
    half = len(ids) // 2
    layers = make_prompt_cache(model)
    _read(model, [*ids[:half], *ids[:_TAKEN_BACK]], layers)
    trim_prompt_cache(layers, _TAKEN_BACK)
    return _is_close(_read(model, ids[half:], layers), whole)


def _read(model: nn.Module, ids: Sequence[int], layers: Sequence[Any]) -> mx.array:
    """The logits after the last of these ids, (vocabulary,), which the caches now hold as well."""
    logits: mx.array = model(mx.array(list(ids))[None], cache=layers)
    mx.eval(logits, [each.state for each in layers])
    return logits[0, -1]


def _is_close(one: mx.array, other: mx.array) -> bool:
    """Whether logits are the same but for rounding.

    All of them together, because rounding may choose another expert and move a single one far.
    """
    wanted = other.astype(mx.float32)
    error = number(mx.square(one.astype(mx.float32) - wanted).sum())
    spread = number(mx.square(wanted - wanted.mean()).sum())
    return error <= (_ROUNDINGS * rounding_of(other.dtype)) ** 2 * max(spread, 1e-12)


def _ids(loaded: LoadedModel) -> list[int]:
    """A question as the model reads it, of even length or not, within its window."""
    ids = loaded.form.prompt([Turn(role="user", text=" ".join(_QUESTIONS))])
    return ids[: min(_LONGEST_TRIED, window_of(loaded.model) or _LONGEST_TRIED)]


def _flat(caches: Sequence[Any]) -> Iterator[Any]:
    for each in caches:
        if isinstance(each, CacheList):
            yield from _flat(each.caches)
        else:
            yield each


def _letters(text: str) -> str:
    """A text without what bytes that are no text are decoded to."""
    return re.sub(r"[^\w ]|�", "", text)
