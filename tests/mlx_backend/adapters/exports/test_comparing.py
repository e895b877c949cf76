"""An export that lost the adapter, or half of its strength, is never called verified."""

from __future__ import annotations

from dataclasses import replace

import mlx.core as mx
import pytest

from mlx_backend.adapters.exports.comparing import check_same_change
from mlx_backend.adapters.exports.source import source_of
from mlx_backend.errors import OvernightError
from mlx_backend.library import Library
from mlx_backend.models.base_model import LoadedModel
from mlx_backend.models.lora import LoraShape
from tests.mlx_backend.made import make_adapter


@pytest.mark.parametrize("decomposed", [False, True])
def test_only_the_same_change_passes(
    tiny_library: Library, loaded: LoadedModel, decomposed: bool
) -> None:
    shape = LoraShape(4, 0.001, decomposed=decomposed)  # so weak that no logit tells
    adapter = make_adapter(tiny_library.adapters, loaded, "Garden", shape=shape)
    source = source_of(adapter, loaded, "")
    ours = dict(source.factors)
    check_same_change(source, ours)
    name, some = next(iter(ours.items()))
    nothing = replace(some, b=mx.zeros_like(some.b))
    check_same_change(source, ours | {"model.layers.9.self_attn.q_proj": nothing})
    for spoilt in (
        {},
        {key: each for key, each in ours.items() if key != name},
        ours | {name: replace(some, scale=some.scale / 2)},
        ours | {name: replace(some, b=some.b * 1.01)},
        ours | {name: replace(some, a=some.a[:, ::-1])},
        ours | {name: replace(some, norms=None if decomposed else mx.ones((64,)))},
        ours | {"model.layers.9.self_attn.q_proj": some},
    ):
        with pytest.raises(OvernightError, match="same adapter"):
            check_same_change(source, spoilt)
