"""The tiny model in the number formats in which a GPU computes, for tests of all three."""

from __future__ import annotations

import mlx.core as mx
import mlx.nn as nn
import pytest

from mlx_backend.models import base_model

FORMATS = ("float32", "bfloat16", "4 bit")
CLOSE = {"float32": 1e-5, "bfloat16": 1e-2, "4 bit": 1e-2}
"""The relative error of a mean loss against float32, by number format."""


def convert(model: nn.Module, number_format: str) -> None:
    """Store a float32 model in another format; with 4 bit, the rest of it is bfloat16."""
    if number_format == "float32":
        return
    model.set_dtype(mx.bfloat16)
    if number_format == "4 bit":
        nn.quantize(model, group_size=32, bits=4)


@pytest.fixture(params=FORMATS)
def number_format(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The format in which the tiny model is loaded, also by the code under test."""
    wanted = str(request.param)
    monkeypatch.setattr(base_model, "_to_float32", lambda model: convert(model, wanted))
    return wanted
