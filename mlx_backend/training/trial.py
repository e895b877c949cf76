"""A trial of a base model before its first training: can it be trained, and how.

mlx-lm has more than a hundred architectures, and names say little. So a few gradients are computed
and compared, which takes seconds once; what they tell is kept in the model's folder. The truth to
compare with are samples by themselves, in rows without padding.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import mlx.core as mx
import mlx.nn as nn
import msgspec
import numpy as np
from mlx_lm.models.cache import ArraysCache, CacheList, make_prompt_cache
from numpy.typing import NDArray

from mlx_backend.errors import ErrorKind, OvernightError, from_exception
from mlx_backend.files import write_atomically
from mlx_backend.jobs.memory_ladder import Recomputed
from mlx_backend.library.models import BaseModel
from mlx_backend.machine.accelerator import has_gpu
from mlx_backend.machine.arrays import flatten, largest_difference, number, rounding_of
from mlx_backend.models import lora
from mlx_backend.models.architecture import Parts, adaptable, token_embeddings, window_of
from mlx_backend.models.base_model import LoadedModel
from mlx_backend.training.batch_arrays import attention_mask
from mlx_backend.training.batches import BatchShape, PackedBatches
from mlx_backend.training.loss import BatchArrays, split_head, target_losses
from mlx_backend.training.memory_saving import recompute
from mlx_backend.training.step import part_arrays
from mlx_backend.training.tokenised import TokenisedSample

TRIAL = "training_trial.json"
"""The file in a model's folder that keeps what the trial told."""

_SHAPE = lora.LoraShape(rank=4, scale=2.0)
_LENGTHS = (48, 40)  # tokens of the samples: both take a row of 64
_ALONE = BatchShape(positions=128, at_once=128, longest_row=64, packed=False)
_MOVED = 0.1  # the size of B in a trial of embeddings
_WAYS: tuple[Recomputed, ...] = ("mlp", "layer")

Gradients = dict[str, mx.array]


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """How a base model is trained.

    packs: whether samples may share a row. recomputes: which parts gradient checkpointing may
    compute again. skipped: the names within a block of linear layers that take no adapter.
    embeddings: whether the token embeddings take one (no default: where a trial was kept before
    that was tried, the model is tried again).
    """

    packs: bool
    recomputes: tuple[Recomputed, ...]
    embeddings: bool
    skipped: tuple[str, ...] = ()

    def recomputed(self, wanted: Recomputed) -> Recomputed:
        """What to recompute where `wanted` is asked for: nothing, if that would be wrong."""
        return wanted if wanted in self.recomputes else "nothing"


class _Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A trial and what it was of: the model's hash, the versions of MLX, and GPU or not.

    sha256: "" where it was kept at adoption, before the model had a card with its hash.
    """

    sha256: str
    versions: tuple[str, ...]
    trial: Trial


class _UnfitError(Exception):
    """The model cannot be trained; the message completes "It was tried, but ..."."""


def kept_trial(info: BaseModel) -> Trial | None:
    """What an earlier trial of this model told; None before the first."""
    try:
        kept = msgspec.json.decode((info.path / TRIAL).read_bytes(), type=_Kept)
    except (OSError, UnicodeDecodeError, msgspec.DecodeError):
        return None
    is_of_this = kept.sha256 in ("", info.card.sha256) and kept.versions == tried_with()
    return kept.trial if is_of_this else None


def trial_of(loaded: LoadedModel) -> Trial:
    """Try a model, once for all; no adapter may be on it, and none is afterwards.

    Raises OvernightError where it cannot be trained.
    """
    found = kept_trial(loaded.info)
    if found is None:
        found = try_training(loaded)
        # In a folder that cannot be written to, every run tries anew.
        with contextlib.suppress(PermissionError):
            keep_trial(loaded.info.path, found, tried_with(), loaded.info.card.sha256)
    return found


def keep_trial(folder: Path, trial: Trial, tried: tuple[str, ...], sha256: str = "") -> None:
    """Write a trial into a model's folder; `tried` is `tried_with` of the process that tried it.

    sha256: that of the model's card; "" while it has none yet. Raises OSError.
    """
    kept = _Kept(sha256=sha256, versions=tried, trial=trial)
    write_atomically(folder / TRIAL, msgspec.json.encode(kept))


def tried_with() -> tuple[str, ...]:
    """Versions of MLX and mlx-lm, and whether on a GPU: with others, a trial may tell otherwise."""
    return (version("mlx"), version("mlx-lm"), "gpu" if has_gpu() else "cpu")


def try_training(loaded: LoadedModel) -> Trial:
    """Try a model anew, without keeping what that tells. Raises OvernightError as `trial_of`."""
    try:
        with _randomness_kept(), _without_adapter(loaded.model):
            return _Trying(loaded.model).trial()
    except _UnfitError as error:
        raise _unfit(loaded.info, str(error)) from error
    except Exception as error:
        known = from_exception(error)
        if known.kind is not ErrorKind.INTERNAL:
            raise known from error
        raise _unfit(loaded.info, "mlx-lm stopped with an error", known.detail) from error


def _unfit(info: BaseModel, why: str, detail: str = "") -> OvernightError:
    return OvernightError(
        ErrorKind.BAD_INPUT,
        f"The base model '{info.card.name}' cannot be trained. A step with an adapter was tried,"
        f" but {why}.",
        "Choose another base model: `overnight models` lists them. It may still be used for chat.",
        detail,
    )


@contextlib.contextmanager
def _randomness_kept() -> Iterator[None]:
    """Leave the random state as it was: a run with the same seed learns the same."""
    state: Any = mx.random.state
    high, low = (int(part) for part in np.array(state[0]))
    try:
        yield
    finally:
        mx.random.seed((high << 32) | low)


@contextlib.contextmanager
def _without_adapter(model: nn.Module) -> Iterator[None]:
    try:
        yield
    finally:
        lora.detach(model)
        model.freeze()
        model.eval()


@dataclass(frozen=True)
class _Trying:
    """A trial of one model."""

    model: nn.Module

    def trial(self) -> Trial:
        """Try everything. Raises _UnfitError or whatever mlx-lm raises."""
        logits = self._logits()
        if not _is_finite(logits):
            raise _UnfitError("its outputs are not finite")
        if not self._compiles():
            raise _UnfitError("MLX cannot compile it: what it computes depends on the values")
        close = rounding_of(logits.dtype)
        skipped = self._skipped(logits, close)
        lora.attach(self.model, replace(_SHAPE, skipped=skipped))
        samples = _samples(logits.shape[-1], window_of(self.model))
        each = [self._gradients([_unpadded(sample)]) for sample in samples]
        truth = _sum_of(each)
        self._check(truth)
        packs = self._packs(samples, truth, close)
        if not packs and not self._agrees(_padded(samples), truth, close):
            raise _UnfitError("what it learns from a text depends on the padding after it")
        ways = [way for way in _WAYS if self._recomputes(way, samples[-1], each[-1], close)]
        return Trial(
            packs=packs,
            recomputes=("nothing", *ways),
            embeddings=self._takes_on_embeddings(logits, close, skipped, samples[-1]),
            skipped=skipped,
        )

    def _logits(self) -> mx.array:
        logits: mx.array = self.model(mx.arange(4)[None])
        mx.eval(logits)
        return logits

    def _compiles(self) -> bool:
        try:
            mx.eval(mx.compile(self.model.__call__)(mx.arange(4)[None]))
        except ValueError:
            return False
        return True

    def _skipped(self, base: mx.array, close: float) -> tuple[str, ...]:
        """The names of linear layers around which no adapter can be put."""
        if self._takes(base, close, ()):
            return ()
        names = sorted({name for layer in self.model.layers for name, _ in adaptable(layer)})
        return tuple(
            name
            for name in names
            if not self._takes(base, close, tuple(other for other in names if other != name))
        )

    def _takes(
        self, base: mx.array, close: float, skipped: tuple[str, ...], embeddings: bool = False
    ) -> bool:
        """Whether the model computes as before with a new adapter, but for these layers."""
        try:
            lora.attach(self.model, replace(_SHAPE, skipped=skipped, embeddings=embeddings))
            return largest_difference(self._logits(), base) <= close * _largest(base)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError):
            return False

    def _takes_on_embeddings(
        self, base: mx.array, close: float, skipped: tuple[str, ...], sample: TokenisedSample
    ) -> bool:
        """Whether the token embeddings take an adapter, also where the head is tied to them."""
        names = [name for name, _ in token_embeddings(self.model)]
        if not names or not self._takes(base, close, skipped, embeddings=True):
            return False
        for _, each in token_embeddings(self.model):  # while B is zero, the head shows nothing
            each.lora_b = mx.random.normal(each.lora_b.shape) * _MOVED
        try:
            parts = split_head(self.model)
            truth = self._gradients([_unpadded(sample)])
            found = self._gradients([_unpadded(sample)], parts)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError):
            return False
        reached = (number(mx.abs(truth[f"{name}.lora_a"]).max()) > 0 for name in names)
        return (
            all(map(_is_finite, truth.values())) and all(reached) and _error(found, truth) < close
        )

    def _check(self, truth: Gradients) -> None:
        if not truth:
            raise _UnfitError("it has no linear layers that could take one")
        if not all(map(_is_finite, truth.values())):
            raise _UnfitError("the gradients are not finite")
        if not any(number(mx.abs(gradient).max()) > 0 for gradient in truth.values()):
            raise _UnfitError("nothing reaches the adapter: all gradients are zero")

    def _packs(self, samples: Sequence[TokenisedSample], truth: Gradients, close: float) -> bool:
        if _is_recurrent(make_prompt_cache(self.model)):
            return False  # what such layers keep would pass from sample to sample
        return self._agrees([_in_one_row(samples)], truth, close)

    def _agrees(
        self, parts: Sequence[tuple[mx.array, ...]], truth: Gradients, close: float
    ) -> bool:
        """Whether these parts of a batch give the gradients of the samples by themselves."""
        try:
            return _error(self._gradients(parts), truth) < close
        except (AttributeError, IndexError, KeyError, TypeError, ValueError):
            return False

    def _recomputes(
        self, way: Recomputed, sample: TokenisedSample, truth: Gradients, close: float
    ) -> bool:
        recompute(self.model, way)
        try:
            return self._agrees([_unpadded(sample)], truth, close)
        finally:
            recompute(self.model, "nothing")

    def _gradients(
        self, parts: Sequence[tuple[mx.array, ...]], split: Parts | None = None
    ) -> Gradients:
        """The gradients of the summed loss over all parts, `split` as `target_losses` takes it."""
        self.model.train()

        def total() -> mx.array:
            losses = [target_losses(self.model, BatchArrays(*part), split) for part in parts]
            return sum((each.sum() for each in losses[1:]), losses[0].sum())

        _, gradients = nn.value_and_grad(self.model, total)()
        self.model.eval()
        found = flatten(gradients)
        mx.eval(found)
        return found


def _is_recurrent(caches: Sequence[Any]) -> bool:
    """Whether any layer keeps something else than keys and values."""
    return any(
        _is_recurrent(each.caches)
        if isinstance(each, CacheList)
        else isinstance(each, ArraysCache) or not hasattr(each, "update_and_fetch")
        for each in caches
    )


def _samples(vocabulary: int, window: int | None) -> list[TokenisedSample]:
    """Samples of different tokens, for a model with this vocabulary and context window."""
    longest = min(window or _LENGTHS[0], _LENGTHS[0])
    return [
        TokenisedSample.of([(37 * place + 11 * length) % vocabulary for place in range(length)], 1)
        for length in (min(longest, wanted) for wanted in _LENGTHS)
    ]


def _unpadded(sample: TokenisedSample) -> tuple[mx.array, ...]:
    """A sample in a row of its own length, as `loss.BatchArrays`."""
    return _part(sample.tokens[None, :-1], np.zeros(0, bool), sample.tokens[1:])


def _in_one_row(samples: Sequence[TokenisedSample]) -> tuple[mx.array, ...]:
    """Samples packed into one row that they fill, as `loss.BatchArrays`."""
    inputs = np.concatenate([sample.tokens[:-1] for sample in samples])
    targets = np.concatenate([sample.tokens[1:] for sample in samples])
    owner = np.repeat(
        np.arange(len(samples), dtype=np.int32), [len(sample.tokens) - 1 for sample in samples]
    )
    return _part(inputs[None], attention_mask(owner[None]), targets)


def _padded(samples: Sequence[TokenisedSample]) -> list[tuple[mx.array, ...]]:
    """Samples in rows of one length, as a batch of training has them."""
    batches = PackedBatches(samples, 0, _ALONE)
    return [part_arrays(part) for step in range(batches.steps(1)) for part in batches[step]]


def _part(
    inputs: NDArray[np.int32], mask: NDArray[np.bool_], targets: NDArray[np.int32]
) -> tuple[mx.array, ...]:
    """`loss.BatchArrays` of one row in which every position is followed by its target."""
    return (
        mx.array(inputs),
        mx.array(mask),
        mx.arange(len(targets)),
        mx.array(targets[:, None]),
        mx.ones((len(targets), 1)),
        mx.ones(len(targets)),
        mx.zeros(0),
    )


def _sum_of(parts: Sequence[Gradients]) -> Gradients:
    first, *others = parts
    return {name: sum((each[name] for each in others), first[name]) for name in first}


def _error(found: Gradients, truth: Gradients) -> float:
    """The relative error of all gradients together; infinite where any is not finite."""
    squares = sum(number(mx.square(found[name] - truth[name]).sum()) for name in truth)
    error = (squares / sum(number(mx.square(each).sum()) for each in truth.values())) ** 0.5
    return error if math.isfinite(error) else math.inf


def _is_finite(array: mx.array) -> bool:
    return bool(mx.isfinite(array).all())


def _largest(array: mx.array) -> float:
    return number(mx.abs(array.astype(mx.float32)).max())
