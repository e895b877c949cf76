from __future__ import annotations

import pytest

from mlx_backend.adoption.forms.precision import told_already
from mlx_backend.library.model_figures import quantised_bits, stored_bits


@pytest.mark.parametrize(
    ("config", "bits"),
    [
        ({}, None),
        ({"torch_dtype": "bfloat16", "quantization": None}, None),
        ({"quantization": {"group_size": 64, "bits": 4}}, 4),
        ({"quantization": {"group_size": 32, "bits": 8, "mode": "mxfp8"}}, 8),
        ({"text_config": {"quantization_config": {"quant_method": "awq", "bits": 4}}}, 4),
        ({"quantization_config": {"quant_method": "gptq"}}, 4),
        ({"quantization_config": {"quant_method": "fp8"}}, 8),
        ({"quantization_config": {"quant_method": "MXFP4"}}, 4),
        ({"quantization_config": {"quant_method": "bitnet"}}, 2),
        (
            {
                "quantization_config": {
                    "quant_method": "compressed-tensors",
                    "config_groups": {"group_0": {"weights": {"num_bits": 8}}},
                }
            },
            8,
        ),
        ({"text_config": "none", "quantization_config": {"bits": "four"}}, 4),
    ],
)
def test_the_bits_that_a_configuration_tells(config: dict[str, object], bits: int | None) -> None:
    assert quantised_bits(config) == bits
    assert stored_bits(config) == (bits or (16 if "torch_dtype" in config else 0))


def test_what_is_told_where_nothing_is_to_be_done() -> None:
    assert told_already(6) == "It is quantised already, in 6 bits."
