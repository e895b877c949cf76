"""Ways to compute a LoRA layer at the starter's shapes, forward and backward, side by side.

What is chosen is mlx-lm's own layer; `lora.py` says why, with the figures of this.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import pytest

from mlx_backend.machine import accelerator

accelerator.prepare()

import mlx.core as mx  # noqa: E402

Way = Callable[[mx.array, mx.array, mx.array, mx.array], mx.array]
# Inputs and outputs of the starter's linear layers, and how many of each a block has.
SHAPES = {(576, 576): 2, (576, 192): 2, (576, 1536): 2, (1536, 576): 1}
POSITIONS, RANK, SCALE, BLOCKS = 512, 16, 2.0, 30


def as_mlx_lm(x: mx.array, weight: mx.array, a: mx.array, b: mx.array) -> mx.array:
    """mlx-lm's `LoRALinear`: the change is scaled."""
    return x @ weight.T + (SCALE * ((x @ a) @ b)).astype(x.dtype)


def scaled_first(x: mx.array, weight: mx.array, a: mx.array, b: mx.array) -> mx.array:
    """The small factor is scaled instead."""
    return x @ weight.T + (x @ a) @ (SCALE * b)


def added_in_product(x: mx.array, weight: mx.array, a: mx.array, b: mx.array) -> mx.array:
    """Product, scale and sum in one call of the BLAS."""
    return mx.addmm(x @ weight.T, x @ a, b, alpha=SCALE)


def merged(x: mx.array, weight: mx.array, a: mx.array, b: mx.array) -> mx.array:
    """One product with the changed weights."""
    return x @ (weight.T + SCALE * (a @ b))


WAYS: tuple[Way, ...] = (as_mlx_lm, scaled_first, added_in_product, merged)


def layer(way: Way, inputs: int, outputs: int) -> tuple[Callable[[], None], mx.array]:
    """One forward and backward pass of a layer, and what it computes."""
    mx.random.seed(0)
    x = mx.random.normal((POSITIONS, inputs))
    weight = mx.random.normal((outputs, inputs)) * inputs**-0.5
    a, b = mx.random.normal((inputs, RANK)) * 0.1, mx.random.normal((RANK, outputs)) * 0.1
    wanted = mx.random.normal((POSITIONS, outputs))

    def loss(x: mx.array, a: mx.array, b: mx.array) -> mx.array:
        return (way(x, weight, a, b) * wanted).sum()

    gradient = mx.compile(mx.grad(loss, argnums=(0, 1, 2)))
    mx.eval(x, weight, a, b, wanted)
    return (lambda: mx.eval(gradient(x, a, b))), way(x, weight, a, b)


def best_of(passes: Sequence[Callable[[], None]], repeats: int = 15) -> list[float]:
    """The shortest time of each, taken in turns, so that all have the same troubles."""
    best = [float("inf")] * len(passes)
    for _ in range(repeats):
        for number, each in enumerate(passes):
            began = time.perf_counter()
            each()
            best[number] = min(best[number], time.perf_counter() - began)
    return best


@pytest.mark.benchmark
@pytest.mark.timeout(600)
def test_mlx_lms_lora_layer_beside_others() -> None:
    totals = [0.0] * len(WAYS)
    for (inputs, outputs), count in SHAPES.items():
        made = [layer(way, inputs, outputs) for way in WAYS]
        for _, result in made[1:]:
            assert mx.allclose(result, made[0][1], rtol=1e-4, atol=1e-4).item()
        for number, seconds in enumerate(best_of([each for each, _ in made])):
            totals[number] += seconds * count * BLOCKS
    print("\nall LoRA layers of a step of the starter, forward and backward:")
    for way, seconds in zip(WAYS, totals, strict=True):
        share = seconds / totals[0]
        print(f"{way.__name__:18} {seconds * 1000:6.0f} ms ({share:.2f} of mlx-lm's)")
    assert totals[0] <= 1.1 * min(totals), "another way is clearly faster"
