from __future__ import annotations

from collections.abc import Callable
from typing import cast

import mlx.core as mx
import mlx.nn as nn
import numpy as np
import pytest
from mlx_lm.models import base

from mlx_backend.machine import cpu_math
from mlx_backend.machine.accelerator import has_gpu
from tests.mlx_backend.arrays import numpy, relative_error

pytestmark = pytest.mark.skipif(has_gpu(), reason="only a CPU computes with these")

Function = Callable[..., mx.array]

# MLX does not say what its custom functions return.
swiglu = cast("Function", cpu_math.swiglu)
softmax = cast("Function", cpu_math.softmax)
logsumexp = cast("Function", cpu_math.logsumexp)


def normal(*shape: int, scale: float = 1.0) -> mx.array:
    mx.random.seed(3)
    return mx.random.normal(shape) * scale


def gradients(function: Function, *arrays: mx.array) -> list[mx.array]:
    """Of a sum in which every element counts differently."""

    def total(*arrays: mx.array) -> mx.array:
        result = function(*arrays)
        return (result * mx.cos(mx.arange(result.size).reshape(result.shape))).sum()

    return list(mx.grad(total, argnums=list(range(len(arrays))))(*arrays))


def check(ours: Function, theirs: Function, *arrays: mx.array, tolerance: float = 2e-6) -> None:
    assert relative_error(numpy(ours(*arrays)), numpy(theirs(*arrays))) < tolerance
    for one, other in zip(gradients(ours, *arrays), gradients(theirs, *arrays), strict=True):
        assert relative_error(numpy(one), numpy(other)) < tolerance


def test_exp_over_its_whole_range() -> None:
    x = np.linspace(-59.9, 87.9, 200_001, dtype=np.float32)
    found, truth = numpy(cpu_math.exp(mx.array(x))), np.exp(x.astype(np.float64))
    assert float(np.abs(found / truth - 1).max()) < 5e-7


def test_exp_of_extremes() -> None:
    x = mx.array([-mx.inf, -1e30, -60.01, 0.0, 1e30, mx.inf])
    found = numpy(cpu_math.exp(x)).tolist()
    assert found[:4] == [0.0, 0.0, 0.0, 1.0]
    assert np.isfinite(found[4:]).all()
    assert min(found[4:]) > 1e38


def usual_swiglu(gate: mx.array, x: mx.array) -> mx.array:
    result: mx.array = nn.silu(gate) * x
    return result


@pytest.mark.parametrize("scale", [0.01, 1.0, 20.0])
def test_swiglu(scale: float) -> None:
    check(swiglu, usual_swiglu, normal(7, 33, scale=scale), normal(7, 33) + 0.5)


def test_swiglu_of_extremes_is_finite() -> None:
    gate = mx.array([-1e30, -200.0, -88.0, 88.0, 200.0, 1e30])
    for array in (swiglu(gate, mx.ones(6)), *gradients(swiglu, gate, mx.ones(6))):
        assert np.isfinite(numpy(array)).all()


@pytest.mark.parametrize("scale", [0.01, 1.0, 20.0])
def test_softmax(scale: float) -> None:
    check(softmax, lambda x: mx.softmax(x, axis=-1), normal(5, 4, 65, scale=scale))


def test_softmax_of_masked_rows() -> None:
    x = mx.where(mx.arange(8) < 3, normal(2, 8), -1e9)
    found = numpy(softmax(x))
    assert (found[:, 3:] == 0).all()
    assert np.allclose(found.sum(-1), 1, atol=1e-6)
    assert np.allclose(numpy(softmax(mx.full((2, 4), -1e9))), 0.25)


@pytest.mark.parametrize("shift", [0.0, 1e4, -1e4])
def test_logsumexp(shift: float) -> None:
    check(
        logsumexp,
        lambda x: mx.logsumexp(x, axis=-1),
        normal(6, 501) + shift,
        # The gradient is worked out from the result, which has no more digits where it is large.
        tolerance=2e-6 if shift == 0 else 1e-3,
    )


def test_cross_entropy() -> None:
    targets = mx.array([0, 3, 500, 7])
    check(
        lambda x: cpu_math.cross_entropy(x, targets),
        lambda x: nn.losses.cross_entropy(x, targets),
        normal(4, 501, scale=3.0),
    )


def test_cross_entropy_of_a_sure_model_is_finite() -> None:
    logits = mx.array([[1e4, 0.0, 0.0], [1e4, 0.0, 0.0]])
    found = numpy(cpu_math.cross_entropy(logits, mx.array([0, 1]))).tolist()
    assert found == [0.0, 1e4]


def attend(function: Function, mask: mx.array | str | None) -> Function:
    return lambda q, k, v: function(q, k, v, cache=None, scale=0.25, mask=mask)


LENGTH, SEEN = 6, 9
MASKS: dict[str, mx.array | str | None] = {
    "none": None,
    "causal": "causal",
    "two dimensions": mx.arange(SEEN - LENGTH, SEEN)[:, None] >= mx.arange(SEEN)[None],
    "four dimensions": mx.random.uniform(shape=(2, 1, LENGTH, SEEN)) + mx.eye(LENGTH, SEEN) > 0.4,
    "one of each head": mx.random.uniform(shape=(2, 4, LENGTH, SEEN)) + mx.eye(LENGTH, SEEN) > 0.4,
    "added": mx.random.normal((LENGTH, SEEN)),
}


@pytest.mark.parametrize("name", MASKS)
@pytest.mark.parametrize("key_heads", [1, 2, 4])
def test_attention(name: str, key_heads: int) -> None:
    check(
        attend(cpu_math.scaled_dot_product_attention, MASKS[name]),
        attend(base.scaled_dot_product_attention, MASKS[name]),
        normal(2, 4, LENGTH, 16),
        normal(2, key_heads, SEEN, 16),
        normal(2, key_heads, SEEN, 16),
        tolerance=1e-5,
    )


def test_attention_in_half_precision_goes_the_usual_way() -> None:
    arrays = [normal(1, 4, LENGTH, 16).astype(mx.float16) for _ in range(3)]
    found = attend(cpu_math.scaled_dot_product_attention, "causal")(*arrays)
    usual = attend(base.scaled_dot_product_attention, "causal")(*arrays)
    assert found.dtype == mx.float16
    assert mx.array_equal(found, usual)
