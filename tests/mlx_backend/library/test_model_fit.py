"""The estimate of a model's memory against what real steps take, and what counts as measured."""

from __future__ import annotations

import dataclasses
import itertools
import json
import os
import shutil
import time
from pathlib import Path

import mlx.core as mx
import msgspec
import numpy as np
import pytest
from mlx_lm.generate import generate_step

from mlx_backend.jobs.memory_ladder import LONG_ROW, SHORT_ROW
from mlx_backend.library import Library
from mlx_backend.library.measured_memory import Measured, measured_memory
from mlx_backend.library.model_figures import (
    context_of,
    figures_of,
    parameters_by_size,
    stored_bits,
)
from mlx_backend.library.model_fit import (
    ADAPTER_RANK,
    SHORTEST_CHAT,
    TRAIN_LENGTHS,
    Figures,
    fit_of,
)
from mlx_backend.library.models import CARD, ModelCard, list_models, read_model
from mlx_backend.library.this_machine import Machine
from mlx_backend.library.training_recipes import RECIPES
from mlx_backend.machine.accelerator import has_gpu
from mlx_backend.models import lora
from mlx_backend.models.base_model import load_base_model
from mlx_backend.training.batches import BatchShape, PackedBatches
from mlx_backend.training.step import TrainingStep
from mlx_backend.training.tokenised import TokenisedSample
from tests.mlx_backend.abilities import READS

GIB = 1 << 30
LLAMA_8B = {
    "model_type": "llama",
    "hidden_size": 4096,
    "num_hidden_layers": 32,
    "intermediate_size": 14336,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "vocab_size": 128256,
    "max_position_embeddings": 131072,
    "quantization": {"group_size": 64, "bits": 4},
}


def of_8b() -> Figures:
    return figures_of(LLAMA_8B, 8_030_000_000, 4_520_000_000)


def measured_step(library: Library, name: str, length: int) -> tuple[int, int]:
    """The peak of a step in the way that takes the least memory, and the estimate of it."""
    loaded = load_base_model(library, name)
    lora.attach(loaded.model, lora.LoraShape.of("lora", ADAPTER_RANK, 2.0))
    ids = np.random.default_rng(0).integers(0, 300, length + 1).tolist()
    samples = [TokenisedSample.of(ids, 20, length)]
    batches = PackedBatches(samples, 0, BatchShape(length, length, length))
    step = TrainingStep(loaded.model, "layer")
    mx.clear_cache()
    before = mx.get_active_memory() - loaded.bytes
    mx.reset_peak_memory()
    for _ in range(2):
        step(batches[0], rate=0.0)
    estimate = fit_of(of_model(library, name), Machine(64 * GIB, has_gpu=has_gpu()))
    return mx.get_peak_memory() - before, estimate.train_bytes


def of_model(library: Library, name: str) -> Figures:
    model = read_model(library.models, name)
    config = json.loads((model.path / "config.json").read_bytes())
    return figures_of(config, model.card.parameters, model.bytes)


@pytest.mark.benchmark
def test_the_estimate_of_a_step_is_within_a_quarter(starter_library: Library) -> None:
    peak, estimate = measured_step(starter_library, "starter", LONG_ROW)
    assert 0.8 < estimate / peak < 1.25


@pytest.mark.benchmark
def test_the_estimate_of_a_chat_is_within_a_quarter(starter_library: Library) -> None:
    loaded = load_base_model(starter_library, "starter")
    mx.clear_cache()
    before = mx.get_active_memory() - loaded.bytes
    mx.reset_peak_memory()
    prompt = mx.array([5] * (SHORTEST_CHAT - 2))
    next(generate_step(prompt, loaded.model, max_tokens=1, prefill_step_size=512))
    taken = mx.get_peak_memory() - before
    fit = fit_of(of_model(starter_library, "starter"), Machine(64 * GIB, has_gpu=has_gpu()))
    assert 0.8 < fit.chat_bytes / taken < 1.25
    assert 0.7 < (fit.chat_bytes - loaded.bytes) / (taken - loaded.bytes) < 1.3


def test_the_estimate_of_a_tiny_model_is_within_a_factor_of_three(tiny_library: Library) -> None:
    """Its step takes a few megabytes, of which most are what MLX allocates at least."""
    peak, estimate = measured_step(tiny_library, "tiny", SHORT_ROW)
    assert 1 / 3 < estimate / peak < 3


# Peaks of steps with random weights in float32 (two cores, MLX 0.32.4): what was in memory beside
# the weights, with gradient checkpointing of layers, rows of 512 tokens.
@pytest.mark.parametrize(
    ("figures", "beside"),
    [
        (Figures(494_032_768, 0, 24, 24, 896, 14, 2, 64, 4864, 151_936, 32_768), 873_432_360),
        (Figures(435_870_336, 0, 18, 18, 640, 4, 1, 256, 2048, 262_144, 32_768), 1_313_801_622),
        (Figures(1_235_814_400, 0, 16, 16, 2048, 32, 8, 64, 8192, 128_256, 0), 907_333_932),
    ],
    ids=["Qwen2.5 0.5B", "Gemma 3 270M", "Llama 3.2 1B"],
)
def test_the_estimate_of_real_shapes_is_within_a_quarter(figures: Figures, beside: int) -> None:
    weights = figures.parameters * 4
    estimate = fit_of(figures, Machine(64 * GIB, has_gpu=False)).train_bytes
    assert 0.8 < estimate / (weights + beside) < 1.25
    assert 0.75 < (estimate - weights) / beside < 1.75


def test_the_estimate_of_a_gpus_step_is_near_to_what_an_h100_took() -> None:
    """8.5 GB for 8 billion parameters in 4 bit (`accelerator.bound_run_ahead`)."""
    estimate = fit_of(of_8b(), Machine(64 * GIB, has_gpu=True)).train_bytes
    assert 0.8 < estimate / 8.5e9 < 1.25


def test_weights_count_as_stored_on_a_gpu_and_as_float32_on_a_cpu() -> None:
    on_gpu = fit_of(of_8b(), Machine(64 * GIB, has_gpu=True))
    on_cpu = fit_of(of_8b(), Machine(64 * GIB, has_gpu=False))
    assert 4.5e9 < on_gpu.chat_bytes < 6e9
    assert 32e9 < on_cpu.chat_bytes < 35e9
    assert on_gpu.trains
    assert on_cpu.trains


@pytest.mark.parametrize("has_gpu", [True, False])
def test_less_memory_never_fits_more(has_gpu: bool) -> None:
    fits = [fit_of(of_8b(), Machine(gib * GIB, has_gpu)) for gib in range(1, 80)]
    for smaller, larger in itertools.pairwise(fits):
        assert smaller.trains <= larger.trains
        assert smaller.chats <= larger.chats
        assert smaller.chat_tokens <= larger.chat_tokens
        assert smaller.train_tokens <= larger.train_tokens
    assert not fits[0].chats
    assert fits[-1].chat_tokens == LLAMA_8B["max_position_embeddings"] or not has_gpu
    assert {fit.train_tokens for fit in fits} <= {0, *TRAIN_LENGTHS}
    assert all(fit.chats for fit in fits if fit.trains)


def test_the_lengths_and_the_rank_are_those_of_training() -> None:
    assert TRAIN_LENGTHS == (LONG_ROW, SHORT_ROW)
    assert {recipe.rank for recipe in RECIPES} == {ADAPTER_RANK}


def test_here_is_what_mlx_finds() -> None:
    assert Machine.here().has_gpu == has_gpu()


def test_a_wrapper_counts_by_its_language_model() -> None:
    wrapped = {"model_type": "gemma3", "text_config": LLAMA_8B, "vision_config": {"hidden_size": 9}}
    assert figures_of(wrapped, 1, 1) == figures_of(LLAMA_8B, 1, 1)
    assert context_of(wrapped) == 131072


def test_experts_count_by_what_a_token_uses_and_their_adapters_all() -> None:
    plain = {**LLAMA_8B, "moe_intermediate_size": 1024, "num_experts_per_tok": 4}
    few = figures_of({**plain, "num_experts": 8}, 8_000_000_000, 4_500_000_000)
    many = figures_of({**plain, "num_experts": 64}, 8_000_000_000, 4_500_000_000)
    assert few.intermediate_size == many.intermediate_size == 4 * 1024
    machine = Machine(64 * GIB, has_gpu=True)
    assert fit_of(many, machine).train_bytes > fit_of(few, machine).train_bytes


def test_recurrent_layers_keep_no_keys_and_values() -> None:
    kinds = ["conv", "conv", "full_attention", "conv"]
    figures = figures_of({**LLAMA_8B, "num_hidden_layers": 4, "layer_types": kinds}, 1, 1)
    assert (figures.layers, figures.attention_layers) == (4, 1)


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"hidden_size": -4, "num_hidden_layers": "many", "vocab_size": 2**70},
        {"hidden_size": True, "text_config": [1], "layer_types": [None], "quantization": 4},
        {"num_attention_heads": 0, "num_key_value_heads": [], "quantization": {"bits": -1}},
        {"hidden_size": [64, 128], "num_key_value_heads": [1, 2, 4], "num_attention_heads": 999},
    ],
)
def test_a_configuration_that_says_nothing_or_lies_has_some_figures(
    config: dict[str, object],
) -> None:
    figures = figures_of(config, 0, 2_000_000_000)
    assert all(
        value > 0
        for name, value in dataclasses.asdict(figures).items()
        if name not in ("context", "bytes_in_memory")
    )
    assert fit_of(figures, Machine(16 * GIB, has_gpu=True)).train_bytes > 2_000_000_000


def test_parameters_by_the_size_of_the_files() -> None:
    assert parameters_by_size(LLAMA_8B, 4_520_000_000) == pytest.approx(8.03e9, rel=0.01)
    assert parameters_by_size({"torch_dtype": "bfloat16"}, 2_000) == 1_000
    assert parameters_by_size({"dtype": "float32"}, 4_000) == 1_000
    assert stored_bits({"text_config": {"dtype": "float16"}}) == 16
    assert stored_bits({"quantization_config": {"quant_method": "fp8"}}) == 8
    assert stored_bits({}) == 0


class TestMeasured:
    """A run's own figure takes the place of the estimate."""

    machine = Machine(64 * GIB, has_gpu=True)

    def test_it_wins(self) -> None:
        fit = fit_of(of_8b(), self.machine, Measured(12 * GIB, 512, 0.0))
        assert (fit.trains, fit.train_tokens, fit.train_bytes) == (True, 512, 12 * GIB)
        assert fit.is_measured

    def test_the_least_way_that_was_too_large_is_believed(self) -> None:
        fit = fit_of(of_8b(), self.machine, Measured(60 * GIB, 256, 0.0))
        assert (fit.trains, fit.train_bytes, fit.is_measured) == (False, 60 * GIB, True)

    @pytest.mark.parametrize(
        "measured", [Measured(4 * GIB, 512, 0.0), Measured(60 * GIB, 512, 0.0)]
    )
    def test_what_another_machine_must_have_measured_is_not(self, measured: Measured) -> None:
        assert fit_of(of_8b(), self.machine, measured) == fit_of(of_8b(), self.machine)

    def test_runs_tell(self, tiny_library: Library) -> None:
        model = read_model(tiny_library.models, "tiny")
        later = model.fit.train_bytes * 2
        add_run(tiny_library.runs / "20260101-1", "tiny", later // 2, 512)
        add_run(tiny_library.runs / "20260102-1", "tiny", later, 256)
        add_run(tiny_library.runs / "20260103-1", "another", 5, 512)
        for number, content in enumerate((b"", b"[" * 9999, b'{"peak_bytes": "x"}', b"\xff")):
            damaged = tiny_library.runs / f"20260104-{number}"
            add_run(damaged, "tiny", 1, 512)
            (damaged / "plan.json").write_bytes(content)
        found = {m.card.name: m.fit for m in list_models(tiny_library.models, tiny_library.runs)}
        assert (found["tiny"].train_bytes, found["tiny"].train_tokens) == (later, 256)
        assert not found["starter"].is_measured

    def test_a_run_of_a_model_that_had_the_name_before_does_not_count(
        self, tiny_library: Library
    ) -> None:
        run = tiny_library.runs / "20260101-1"
        add_run(run, "tiny", 10**9, 512)
        os.utime(run / "plan.json", (1.0, 1.0))
        assert not list_models(tiny_library.models, tiny_library.runs)[1].fit.is_measured

    def test_many_runs_are_bounded(self, tmp_path: Path) -> None:
        for number in range(200):
            add_run(tmp_path / f"2026-{number:04}", f"m{number}", 1, 512)
        assert len(measured_memory(tmp_path)) == 50
        assert "m199" in measured_memory(tmp_path)
        assert measured_memory(tmp_path / "gone") == {}


def add_run(folder: Path, model: str, peak: int, longest: int) -> None:
    folder.mkdir(parents=True)
    (folder / "spec.json").write_text(json.dumps({"job": "train", "name": "x", "model": model}))
    plan = {"peak_bytes": peak, "memory_way": {"longest_row": longest}}
    (folder / "plan.json").write_text(json.dumps(plan))
    future = time.time() + 9
    os.utime(folder / "plan.json", (future, future))


def test_what_a_trial_loaded_takes_the_place_of_the_estimate() -> None:
    on_gpu = msgspec.structs.replace(
        READS, tried_with=("0", "0", "gpu"), bytes_in_memory=9_000_000_000
    )
    mac = Machine(64 * GIB, has_gpu=True)
    estimated, tried = fit_of(of_8b(), mac), fit_of(of_8b(), mac, None, on_gpu)
    more = 9_000_000_000 - of_8b().weight_bytes
    assert tried.chat_bytes - estimated.chat_bytes == more
    assert tried.train_bytes - estimated.train_bytes == more
    elsewhere = msgspec.structs.replace(on_gpu, tried_with=("0", "0", "cpu"))
    assert fit_of(of_8b(), mac, None, elsewhere) == estimated


def test_the_list_counts_what_the_trial_loaded(tiny_library: Library) -> None:
    before = read_model(tiny_library.models, "tiny").fit
    path = tiny_library.models / "tiny" / CARD
    card = msgspec.json.decode(path.read_bytes(), type=ModelCard)
    kind = "gpu" if has_gpu() else "cpu"
    abilities = msgspec.structs.replace(
        READS, tried_with=("0", "0", kind), bytes_in_memory=3_000_000_000
    )
    folder = tiny_library.models / "own"
    shutil.copytree(path.parent, folder)
    (folder / CARD).write_bytes(
        msgspec.json.encode(msgspec.structs.replace(card, abilities=abilities))
    )
    assert read_model(tiny_library.models, "own").fit.chat_bytes > before.chat_bytes + 2_900_000_000
