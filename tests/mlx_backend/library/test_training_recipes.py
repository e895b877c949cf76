from __future__ import annotations

from itertools import pairwise

import pytest

from mlx_backend.library import Library
from mlx_backend.library.model_figures import figures_of
from mlx_backend.library.model_fit import fit_of
from mlx_backend.library.this_machine import Machine
from mlx_backend.library.training_recipes import RECIPES, recipe_for_size, recipe_of
from mlx_backend.models.starter import find_base_model
from mlx_backend.protocol import TrainSpec

BILLION = 10**9
# https://huggingface.co/Qwen/Qwen3-4B/blob/main/config.json
QWEN3_4B = {
    "model_type": "qwen3",
    "hidden_size": 2560,
    "num_hidden_layers": 36,
    "intermediate_size": 9728,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "vocab_size": 151_936,
    "max_position_embeddings": 40_960,
}
PARAMETERS_4B = 4_022_468_096


def test_every_model_has_one_recipe() -> None:
    for reads in (False, True):
        for parameters in (0, 135_000_000, BILLION - 1, BILLION, 3 * BILLION, 10**12):
            recipe = recipe_for_size(parameters, reads)
            assert recipe.reads is reads
            assert parameters < recipe.below
    for reads in (False, True):
        rows = [row for row in RECIPES if row.reads is reads]
        for smaller, larger in pairwise(rows):
            assert smaller.below < larger.below
            assert smaller.learning_rate > larger.learning_rate
            assert smaller.passes >= larger.passes


def test_a_trial_chooses_among_rates_around_the_recipes_own() -> None:
    for recipe in RECIPES:
        if recipe.rates:
            least, usual, most = recipe.rates
            assert usual == recipe.learning_rate
            assert least == pytest.approx(usual / 2)
            assert most == pytest.approx(usual * 2)


def test_the_starter_is_trained_as_it_was_measured(tiny_library: Library) -> None:
    starter = recipe_of(find_base_model(tiny_library, "tiny"))
    assert (starter.rank, starter.learning_rate, starter.passes) == (16, 2e-3, 12)
    assert not starter.rates
    assert (starter.general, starter.grounded) == (0.4, 0.3)


def test_a_reader_of_four_billion_has_its_row_and_fits_a_mac_of_16_gigabytes_in_4_bits() -> None:
    recipe = recipe_for_size(PARAMETERS_4B, reads=True)
    assert (recipe.rank, recipe.learning_rate, recipe.passes) == (16, 2e-4, 5)
    assert (recipe.general, recipe.temperature) == (1.0, 2.0)
    in_4_bits = int(PARAMETERS_4B * 4.5 / 8)
    config = QWEN3_4B | {"quantization": {"bits": 4, "group_size": 64}}
    figures = figures_of(config, PARAMETERS_4B, in_4_bits)
    mac = Machine(memory_bytes=16 << 30, has_gpu=True)
    fit = fit_of(figures, mac)
    assert fit.trains
    assert fit.train_tokens == 512
    assert in_4_bits < fit.train_bytes < mac.room
    assert not fit_of(figures, Machine(memory_bytes=6 << 30, has_gpu=True)).trains


def test_a_spec_asks_for_the_recipe_unless_the_person_chose() -> None:
    spec = TrainSpec(name="Garden", model="tiny")
    assert (spec.rank, spec.learning_rate, spec.passes) == (None, None, None)
