"""The weighted sum of several adapters as one pair of factors a layer: exact, or in a lower rank.

Joined exactly, A is [A1 A2 ...] and B is [w1 s1 B1; w2 s2 B2; ...], so the rank is the sum of all.
In a lower rank it is the closest there is by the Frobenius norm: the singular value decomposition
of A B, cut off (Eckart and Young, 1936). That is found without the product itself, from QR
decompositions of A and B, in float64.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import mlx.core as mx
import numpy as np
from numpy.typing import NDArray

from mlx_backend.models.lora_factors import Factors
from mlx_backend.protocol.merge_words import CLOSE

Array = NDArray[np.float64]
Pair = tuple[Array, Array]
"""A and B of (..., inputs, rank) and (..., rank, outputs); layers of experts have one each."""


@dataclass(frozen=True)
class Joined:
    """Factors by the names of the layers, all of the same rank and at scale 1.

    error: by how much of its own length (Frobenius norm) the change differs from the exact sum.
    exact_rank: the rank that the exact sum takes. close_rank: the smallest one whose error is
    `CLOSE` at most.
    """

    factors: Mapping[str, Factors]
    rank: int
    error: float
    exact_rank: int
    close_rank: int


def joined(
    adapters: Sequence[tuple[Mapping[str, Factors], float]], rank: int | None = None
) -> Joined:
    """The sum of adapters, each times its weight, in the rank asked for; exact without one.

    No adapter may be of the kind DoRA. Layers that only some adapters change, and sums of a lower
    rank than others, are filled up with zeros, because mlx-lm loads only factors of one rank.
    """
    sums = {
        name: _sum([(each[name], weight) for each, weight in adapters if name in each])
        for name in sorted({name for each, _ in adapters for name in each})
    }
    full = max(b.shape[-2] for _, b in sums.values())
    if rank is None or rank >= full:
        return Joined({n: _filled(pair, full) for n, pair in sums.items()}, full, 0.0, full, full)
    cut = {name: _cut(pair, rank) for name, pair in sums.items()}
    errors = _errors([each.squares for each in cut.values()], full)
    close = next(r for r, error in enumerate(errors) if r and error <= CLOSE)
    factors = {n: _filled(each.pair, rank) for n, each in cut.items()}
    return Joined(factors, rank, float(errors[rank]), full, close)


def _errors(squares: Sequence[Array], full: int) -> Array:
    """The relative error of all layers together when each is cut to rank 0, 1 ... `full`.

    `squares` are of the singular values of each layer, the largest first.
    """
    kept = np.zeros(full)
    for each in squares:
        kept[: len(each)] += each
    left = np.append(kept[::-1].cumsum()[::-1], 0.0)
    return np.sqrt(left / left[0]) if left[0] else left


def _sum(parts: Sequence[tuple[Factors, float]]) -> Pair:
    pairs = [_as_pair(factors) for factors, _ in parts]
    left = np.concatenate([a for a, _ in pairs], axis=-1)
    strengths = [each.scale * weight for each, weight in parts]
    right = np.concatenate(
        [b * strength for (_, b), strength in zip(pairs, strengths, strict=True)], axis=-2
    )
    return left, right


def _as_pair(factors: Factors) -> Pair:
    a, b = (np.array(each.astype(mx.float32), np.float64) for each in (factors.a, factors.b))
    if a.ndim == 3:  # of experts, MLX has (experts, rank, inputs) and (experts, outputs, rank)
        return a.swapaxes(1, 2), b.swapaxes(1, 2)
    return a, b


@dataclass(frozen=True)
class _Cut:
    """A pair of a lower rank, and the squares of all its singular values, the largest first.

    Of layers of experts they are added up, place by place.
    """

    pair: Pair
    squares: Array


def _cut(pair: Pair, rank: int) -> _Cut:
    a, b = pair
    left, inner_left = np.linalg.qr(a)
    right, inner_right = np.linalg.qr(b.swapaxes(-1, -2))
    u, values, v = np.linalg.svd(inner_left @ inner_right.swapaxes(-1, -2), full_matrices=False)
    kept = np.sqrt(values[..., :rank])
    cut = (
        left @ (u[..., :, :rank] * kept[..., None, :]),
        (kept[..., :, None] * v[..., :rank, :]) @ right.swapaxes(-1, -2),
    )
    return _Cut(cut, (values**2).reshape(-1, values.shape[-1]).sum(axis=0))


def _filled(pair: Pair, rank: int) -> Factors:
    """The pair with zeros up to the rank, in the shapes that the layer has."""
    a, b = pair
    missing = rank - a.shape[-1]
    before = [(0, 0)] * (a.ndim - 1)
    a = np.pad(a, [*before, (0, missing)])
    b = np.pad(b, [*before[:-1], (0, missing), (0, 0)])
    if a.ndim == 3:
        a, b = a.swapaxes(1, 2), b.swapaxes(1, 2)
    # In float32 whatever the parts are in: rounding the sum to 16 bits would make it inexact.
    return Factors(mx.array(a.astype(np.float32)), mx.array(b.astype(np.float32)), 1.0, None)
