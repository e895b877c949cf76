"""One training of a large 4-bit model, measured: `python -m tests.benchmarks.gpu_trainers`.

Its arguments are HOW, one of `WAYS`, and SHAPE: "8B", or "tiny" to try this on any machine. The
weights are random, and so are the samples: neither matters for speed and memory. The result is one
line of JSON.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
import time
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from mlx_backend.machine import accelerator

WAYS = ("overnight", "overnight, low memory", "mlx-lm", "mlx-lm, sorted", "mlx-lm, low memory")
RANK, SCALE, RATE, BATCH = 16, 2.0, 1e-4, 4
# Llama 3 8B (arXiv 2407.21783).
_LARGE: dict[str, Any] = {
    "hidden_size": 4096,
    "num_hidden_layers": 32,
    "intermediate_size": 14336,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "vocab_size": 128_256,
    "rope_theta": 500_000.0,
    "tie_word_embeddings": False,
}
_TINY = _LARGE | {
    "hidden_size": 128,
    "num_hidden_layers": 2,
    "intermediate_size": 256,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 512,
}
SHAPES = {"8B": _LARGE, "tiny": _TINY}
_SAMPLES = {"8B": 800, "tiny": 24}


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """`tokens` were learned from (those with a target); the peak is of training alone."""

    how: str
    tokens: int
    seconds: float
    peak_bytes: int
    weight_bytes: int


def main(how: str, shape: str) -> None:
    """Train, and print what was measured."""
    accelerator.prepare()
    with contextlib.redirect_stdout(sys.stderr):
        model = random_model(SHAPES[shape])
        samples = random_samples(_SAMPLES[shape], SHAPES[shape]["vocab_size"])
        train = _overnight if how.startswith("overnight") else _mlx_lm
        measured = train(how, model, samples)
    print(msgspec.json.encode(measured).decode())


def random_model(shape: dict[str, Any]) -> Any:
    """A Llama of this shape in 4 bits; each layer is made by itself, for memory's sake."""
    import mlx.core as mx
    import mlx.nn as nn
    from mlx_lm.models import llama

    mx.random.seed(0)
    arguments = shape | {"model_type": "llama", "rms_norm_eps": 1e-5}
    model = llama.Model(llama.ModelArgs.from_dict(arguments))
    model.set_dtype(mx.bfloat16)
    nn.quantize(model, group_size=64, bits=4)
    for layer in model.layers:
        mx.eval(layer.parameters())
    mx.eval(model.parameters())
    model.freeze()
    return model


def random_samples(count: int, vocabulary: int) -> list[tuple[list[int], int]]:
    """Token ids and the length of the question in them; long as the passages of notes are."""
    random = np.random.default_rng(0)
    lengths = np.clip(random.lognormal(4.1, 0.6, count), 24, 400).astype(int)
    return [(random.integers(3, vocabulary, length).tolist(), 16) for length in lengths]


def _overnight(how: str, model: Any, samples: Sequence[tuple[list[int], int]]) -> Measured:
    import mlx.core as mx

    from mlx_backend.jobs.memory_ladder import first_way
    from mlx_backend.models import lora
    from mlx_backend.run.preparation import positions
    from mlx_backend.training.batches import PackedBatches
    from mlx_backend.training.memory_saving import batch_shape
    from mlx_backend.training.step import TrainingStep, learning_rate
    from mlx_backend.training.tokenised import TokenisedSample

    way = first_way(positions(), dropout=0.0, low_memory="low" in how)
    lora.attach(model, lora.LoraShape(RANK, SCALE))
    training = TrainingStep(model, way.recomputed)
    accelerator.bound_run_ahead()
    tokenised = [TokenisedSample.of(ids, length) for ids, length in samples]
    batches = PackedBatches(tokenised, 0, batch_shape(way, positions()))
    steps, tokens = batches.steps(1), 0
    mx.reset_peak_memory()
    began, batch = time.perf_counter(), batches[0]
    for step in range(steps):
        pending = training.begin(batch, learning_rate(step, steps, RATE))
        tokens += sum(part.tokens for part in batch)
        if step + 1 < steps:
            batch = batches[step + 1]  # made while the device works
        assert pending.result()[1]
    return _measured(how, model, tokens, time.perf_counter() - began)


def _mlx_lm(how: str, model: Any, samples: Sequence[tuple[list[int], int]]) -> Measured:
    import mlx.core as mx
    import mlx.optimizers as optimizers
    from mlx_lm.tuner import trainer
    from mlx_lm.tuner.utils import linear_to_lora_layers

    from tests.benchmarks.trainers import listener, tokenised

    linear_to_lora_layers(
        model, len(model.layers), {"rank": RANK, "scale": SCALE, "dropout": 0.0, "keys": _keys()}
    )
    steps = len(samples) // BATCH
    heard: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as scratch:
        arguments = trainer.TrainingArgs(
            batch_size=BATCH,
            iters=steps,
            steps_per_report=steps,
            steps_per_save=10**9,
            max_seq_length=513,
            adapter_file=f"{scratch}/adapters.safetensors",
            grad_checkpoint="low" in how,
        )
        mx.reset_peak_memory()
        began = time.perf_counter()
        trainer.train(
            model,
            optimizers.AdamW(learning_rate=RATE, weight_decay=0.0),
            tokenised(list(samples), by_length="sorted" in how),
            args=arguments,
            training_callback=listener(heard),
        )
        seconds = time.perf_counter() - began
    return _measured(how, model, int(heard[-1]["trained_tokens"]), seconds)


def _keys() -> list[str]:
    attention = [f"self_attn.{part}_proj" for part in ("q", "k", "v", "o")]
    return attention + [f"mlp.{part}_proj" for part in ("gate", "up", "down")]


def _measured(how: str, model: Any, tokens: int, seconds: float) -> Measured:
    import mlx.core as mx

    from mlx_backend.machine.arrays import flatten

    return Measured(
        how=how,
        tokens=tokens,
        seconds=seconds,
        peak_bytes=mx.get_peak_memory(),
        weight_bytes=sum(array.nbytes for array in flatten(model.parameters()).values()),
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
