"""A reader of four billion parameters on a GPU: what its teacher takes, and 50 steps by its recipe.

The weights are random, of Qwen3-4B's shape in 4 bits, and so are the samples: neither matters for
speed and memory. OVERNIGHT_BENCHMARK_SHAPE=tiny tries it with a small shape, without a GPU too.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest

from mlx_backend.library.training_recipes import TrainingRecipe
from mlx_backend.machine import accelerator

if TYPE_CHECKING:
    from mlx_backend.training.tokenised import SoftTargets

SHAPE = os.environ.get("OVERNIGHT_BENCHMARK_SHAPE", "4B")
STEPS = {"4B": 50, "tiny": 6}
PARAMETERS = 4_022_468_096
# https://huggingface.co/Qwen/Qwen3-4B/blob/main/config.json
_LARGE: dict[str, Any] = {
    "model_type": "qwen3",
    "hidden_size": 2560,
    "num_hidden_layers": 36,
    "intermediate_size": 9728,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "rms_norm_eps": 1e-6,
    "vocab_size": 151_936,
    "max_position_embeddings": 40_960,
    "rope_theta": 1_000_000.0,
    "tie_word_embeddings": True,
}
_TINY = _LARGE | {
    "hidden_size": 128,
    "num_hidden_layers": 2,
    "intermediate_size": 256,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 32,
    "vocab_size": 512,
}
SHAPES = {"4B": _LARGE, "tiny": _TINY}
SAMPLES = {"4B": 256, "tiny": 40}


def random_reader(shape: dict[str, Any]) -> Any:
    """A model of this shape in 4 bits, made layer by layer."""
    import mlx.core as mx
    import mlx.nn as nn
    from mlx_lm.models import qwen3

    mx.random.seed(0)
    model = qwen3.Model(qwen3.ModelArgs.from_dict(shape))
    model.set_dtype(mx.bfloat16)
    nn.quantize(model, group_size=64, bits=4)
    for layer in model.layers:
        mx.eval(layer.parameters())
    mx.eval(model.parameters())
    model.freeze()
    return model


def pairs(count: int, vocabulary: int) -> tuple[list[tuple[list[int], int]], ...]:
    """Questions with answers, as the student sees them and as the teacher does; (ids, prompt)."""
    random = np.random.default_rng(0)
    students, teachers = [], []
    for _ in range(count):
        view, question, answer = (
            random.integers(3, vocabulary, size).tolist()
            for size in (random.integers(150, 300), 24, random.integers(12, 60))
        )
        students.append(([*question, *answer], len(question)))
        teachers.append(([*view, *question, *answer], len(view) + len(question)))
    return students, teachers


@pytest.mark.benchmark
@pytest.mark.timeout(3600)
def test_a_reader_of_four_billion_takes_fifty_steps_by_its_recipe(tmp_path: Path) -> None:
    accelerator.prepare()
    if SHAPE == "4B" and not accelerator.has_gpu():
        pytest.skip("MLX has no GPU here")
    from mlx_backend.library.training_recipes import recipe_for_size
    from mlx_backend.machine.arrays import flatten

    recipe, shape = recipe_for_size(PARAMETERS, reads=True), SHAPES[SHAPE]
    model = random_reader(shape)
    weights = sum(array.nbytes for array in flatten(model.parameters()).values())
    print(f"\n{SHAPE} in 4 bits, {weights / 1e9:.2f} GB of weights")
    students, teachers = pairs(SAMPLES[SHAPE], shape["vocab_size"])
    soft = taught(model, teachers, recipe, tmp_path / "targets")
    losses, peak = trained(model, students, soft, recipe)
    print(f"{STEPS[SHAPE]} steps at rank {recipe.rank}, rate {recipe.learning_rate:g}:", end=" ")
    print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}, peak {peak / 1e9:.2f} GB", end=" ")
    print(f"(estimated in the thriftiest way: {estimated(shape, weights) / 1e9:.2f} GB)")
    assert np.isfinite(losses).all()
    assert losses[-1] < losses[0]


def taught(
    model: Any, teachers: list[tuple[list[int], int]], recipe: TrainingRecipe, folder: Path
) -> dict[int, SoftTargets]:
    """The teacher's targets; says what they took."""
    import mlx.core as mx

    from mlx_backend.models.base_model import LoadedModel
    from mlx_backend.training.distillation import TargetWork, taught_targets

    info = SimpleNamespace(card=SimpleNamespace(sha256="random"))
    loaded = cast(LoadedModel, SimpleNamespace(model=model, info=info))
    mx.reset_peak_memory()
    began = time.perf_counter()
    soft = taught_targets(loaded, teachers, recipe.temperature, TargetWork(folder=folder))
    speed = sum(len(ids) for ids, _ in teachers) / (time.perf_counter() - began)
    stored = sum(path.stat().st_size for path in folder.iterdir()) / len(soft)
    print(
        f"teacher: {len(soft)} samples, {speed:.0f} tokens/s, peak"
        f" {mx.get_peak_memory() / 1e9:.2f} GB, {stored / 1e3:.0f} KB a sample"
    )
    return soft


def trained(
    model: Any,
    students: list[tuple[list[int], int]],
    soft: dict[int, SoftTargets],
    recipe: TrainingRecipe,
) -> tuple[list[float], int]:
    """The losses of the steps, and the peak memory (bytes)."""
    import mlx.core as mx

    from mlx_backend.models import lora
    from mlx_backend.run.preparation import positions
    from mlx_backend.training.batches import BatchShape, PackedBatches
    from mlx_backend.training.step import TrainingStep, learning_rate
    from mlx_backend.training.tokenised import TokenisedSample

    lora.attach(model, lora.LoraShape(recipe.rank, 2.0))
    training = TrainingStep(model)
    accelerator.bound_run_ahead()
    samples = [TokenisedSample.of(*each, soft=soft[i]) for i, each in enumerate(students)]
    batches = PackedBatches(samples, 0, BatchShape(positions(), positions()))
    mx.reset_peak_memory()
    began, tokens, losses, steps = time.perf_counter(), 0, [], STEPS[SHAPE]
    for step in range(steps):
        losses.append(training(batches[step], learning_rate(step, steps, recipe.learning_rate)))
        tokens += sum(part.tokens for part in batches[step])
    print(f"{tokens / (time.perf_counter() - began):.0f} learned tokens/s")
    return losses, mx.get_peak_memory()


def estimated(shape: dict[str, Any], weights: int) -> int:
    """The bytes of a training step as lists of models tell them before anything is loaded."""
    from mlx_backend.library.model_figures import figures_of
    from mlx_backend.library.model_fit import fit_of
    from mlx_backend.library.this_machine import Machine

    figures = figures_of(shape | {"quantization": {"bits": 4}}, PARAMETERS, weights)
    return fit_of(figures, Machine(64 << 30, has_gpu=True)).train_bytes
