"""A 4-billion-parameter shape in 4 bits with random weights, on a GPU: adopted, planned, trained
for 20 steps, and asked; and its losses in bfloat16 beside those in float32.

Skipped without a GPU. OVERNIGHT_BENCHMARK_SHAPE=tiny tries all of it with a small shape, anywhere.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from mlx_backend.library import Library
from mlx_backend.library.models import read_model
from mlx_backend.machine import accelerator
from mlx_backend.settings import change_settings
from tests.benchmarks.test_knowing import overnight
from tests.mlx_backend.adoption.places import grown_old
from tests.mlx_backend.tiny import write_tiny_model

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(3600)]

SHAPE = os.environ.get("OVERNIGHT_BENCHMARK_SHAPE", "4B")
NOTES = Path(__file__).parent / "work_log" / "notes"
NAME, STEPS = "Random", 20
TOLERANCE = 1e-2  # of a loss, relative

# Qwen3 4B (arXiv 2505.09388).
_LARGE: dict[str, Any] = {
    "hidden_size": 2560,
    "num_hidden_layers": 36,
    "intermediate_size": 9728,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "vocab_size": 151_936,
}
_TINY = _LARGE | {
    "hidden_size": 128,
    "num_hidden_layers": 2,
    "intermediate_size": 256,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 32,
    "vocab_size": 1024,
}
_SHAPES = {"4B": _LARGE, "tiny": _TINY}
_OTHER = {
    "model_type": "qwen3",
    "rms_norm_eps": 1e-6,
    "rope_theta": 1_000_000.0,
    "max_position_embeddings": 4096,
    "tie_word_embeddings": True,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
_QUESTIONS = (
    ("When was the lamp lit?", "The lamp was lit at 18:40."),
    ("Who keeps the shop?", "Ida Falk keeps the shop that sells rope and lamps by the pier."),
)


@pytest.fixture
def library(tmp_path: Path) -> Library:
    accelerator.prepare()
    if SHAPE == "4B" and not accelerator.has_gpu():
        pytest.skip("MLX has no GPU here")
    library = Library.open(tmp_path / "library")
    write_random_model(tmp_path / NAME, _SHAPES[SHAPE] | _OTHER)
    timed(library, "adopt", str(tmp_path / NAME))
    return library


def test_adopted_planned_trained_and_asked(library: Library) -> None:
    model = read_model(library.models, NAME)
    print(f"{SHAPE}: {model.bytes / 1e9:.2f} GB, {model.fit}, {model.card.abilities}", flush=True)
    patience = ("wait_on_battery", "wait_when_hot", "wait_when_memory_is_short")
    change_settings(library.settings, **dict.fromkeys(patience, False))
    timed(library, "import", str(NOTES))
    asked = ("--model", NAME, "--steps", str(STEPS))
    timed(library, "plan", *asked)
    report = timed(library, "train", "--name", "First", *asked, "--no-study")
    assert report["steps"] == STEPS
    answer = timed(library, "chat", "--model", NAME, "--prompt", "Who?", "--max-tokens", "16")
    assert answer["generated_tokens"] > 0


def test_losses_in_half_precision_are_those_in_float32(library: Library) -> None:
    import mlx.core as mx

    from mlx_backend.models.base_model import load_base_model
    from mlx_backend.models.likelihood import likelihoods

    loaded = load_base_model(library, NAME)
    prompts, answers = zip(*_QUESTIONS, strict=True)
    found = {}
    for dtype in (mx.bfloat16, mx.float32):  # of the same numbers: half precision has come first
        loaded.model.set_dtype(dtype)
        found[dtype] = likelihoods(loaded, list(prompts), list(answers))
    print(f"{SHAPE}: {found}", flush=True)
    half, whole = found[mx.bfloat16], found[mx.float32]
    assert half == pytest.approx(whole, rel=TOLERANCE)


def timed(library: Library, *words: str) -> dict[str, Any]:
    """What a command gives with --json; prints how long it took."""
    began = time.perf_counter()
    result = overnight(library.home, *words)
    print(f"{SHAPE}: {words[0]} in {time.perf_counter() - began:.1f} s", flush=True)
    return result


def write_random_model(folder: Path, config: dict[str, Any]) -> None:
    """A model in 4 bits as mlx-lm writes it; each layer is made by itself, for memory's sake."""
    import mlx.core as mx
    import mlx.nn as nn
    from mlx.utils import tree_flatten
    from mlx_lm.models import qwen3

    write_tiny_model(folder)  # its tokenizer is kept
    for path in folder.glob("general_*"):
        path.unlink()
    mx.random.seed(0)
    model = qwen3.Model(qwen3.ModelArgs.from_dict(config))
    model.set_dtype(mx.bfloat16)
    nn.quantize(model, group_size=64, bits=4)
    for layer in model.layers:
        mx.eval(layer.parameters())
    weights = dict(tree_flatten(model.parameters()))
    mx.save_safetensors(str(folder / "model.safetensors"), weights, metadata={"format": "mlx"})
    quantised = {"group_size": 64, "bits": 4}
    (folder / "config.json").write_text(json.dumps(config | {"quantization": quantised}))
    grown_old(folder)
