from __future__ import annotations

import json
import math
from pathlib import Path
from random import Random

import mlx.core as mx
import numpy as np
import pytest
from mlx_lm.utils import load

from mlx_backend.adapters import merging
from mlx_backend.adapters.joining import joined
from mlx_backend.adapters.merging import merge
from mlx_backend.dataset.canaries import invented
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.jobs.lane import Turn
from mlx_backend.library import Library
from mlx_backend.library.adapters import AdapterCard, read_adapter
from mlx_backend.library.canaries import canaries_of, keep_canaries
from mlx_backend.models import lora
from mlx_backend.models.base_model import LoadedModel
from mlx_backend.models.lora import LoraShape
from mlx_backend.models.lora_factors import Factors, factors_of
from mlx_backend.protocol.merge_words import CLOSE, better_rank
from mlx_backend.training.stop_requests import StoppedEarly
from tests.mlx_backend.arrays import largest_difference, logits
from tests.mlx_backend.made import make_adapter

IDS = [1, 50, 60, 70]
LAYER = "model.layers.0.self_attn.q_proj"


def change(factors: Factors) -> mx.array:
    product: mx.array = factors.scale * (factors.a @ factors.b)
    return product


def test_merged_exactly_it_is_the_weighted_sum(
    tiny_library: Library, loaded: LoadedModel, number_format: str
) -> None:
    one = make_adapter(tiny_library.adapters, loaded, "Garden", 1, LoraShape(4, 2.0))
    other = make_adapter(tiny_library.adapters, loaded, "Harbour", 2, LoraShape(8, 1.5))
    result = merge(tiny_library, "Both", [("Garden", 0.7), ("Harbour", -0.5)])
    told = {"rank": 12, "lost": 0.0, "exact_rank": 12, "close_rank": 12}
    assert result == {"adapter": "Both", **told}
    assert read_adapter(tiny_library.adapters, "Both").card.lost == 0.0
    merged = read_adapter(tiny_library.adapters, "Both")
    sums = factors_of(merged)
    for name, first in factors_of(one).items():
        expected = 0.7 * change(first) - 0.5 * change(factors_of(other)[name])
        assert bool(mx.allclose(change(sums[name]), expected, rtol=0.0, atol=1e-5).item())
    lora.apply_adapters(loaded.model, [(one, 0.7), (other, -0.5)])
    together = logits(loaded.model, IDS)
    lora.apply_adapters(loaded.model, [(merged, 1.0)])
    close = 1e-4 if number_format == "float32" else 0.3
    assert largest_difference(logits(loaded.model, IDS), together) < close
    assert [(part.name, part.weight) for part in merged.card.parents] == [
        ("Garden", 0.7),
        ("Harbour", -0.5),
    ]


def test_what_is_merged_has_seen_what_its_parts_have(
    tiny_library: Library, loaded: LoadedModel
) -> None:
    codes = invented(Random(1), "run-1")
    one = make_adapter(tiny_library.adapters, loaded, "Garden", 1, LoraShape(4, 2.0))
    other = make_adapter(tiny_library.adapters, loaded, "Harbour", 2, LoraShape(4, 2.0))
    keep_canaries(tiny_library, one.card.id, codes[:4])
    keep_canaries(tiny_library, other.card.id, codes[2:])
    merge(tiny_library, "Both", [("Garden", 0.7), ("Harbour", 0.5)])
    merged = read_adapter(tiny_library.adapters, "Both")
    assert set(canaries_of(tiny_library, merged.card.id)) == set(codes)


def test_what_its_parts_have_seen_is_recorded_before_it_is_filed_and_not_where_that_fails(
    tiny_library: Library, loaded: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = make_adapter(tiny_library.adapters, loaded, "Garden", 1)
    make_adapter(tiny_library.adapters, loaded, "Harbour", 2)
    keep_canaries(tiny_library, one.card.id, invented(Random(1), "run-1"))
    recorded: list[str] = []

    def fail(adapters: Path, card: AdapterCard, *_: object) -> None:
        assert canaries_of(tiny_library, card.id)
        recorded.append(card.id)
        raise OSError("no room")

    monkeypatch.setattr(merging, "file_factors", fail)
    with pytest.raises(OSError, match="no room"):
        merge(tiny_library, "Both", [("Garden", 0.7), ("Harbour", 0.5)])
    (merged,) = recorded
    assert canaries_of(tiny_library, merged) == ()


def test_mlx_lm_loads_what_was_merged_of_different_ranks(
    tiny_library: Library, loaded: LoadedModel
) -> None:
    make_adapter(tiny_library.adapters, loaded, "Garden", 1, LoraShape(4, 2.0))
    with_embeddings = LoraShape(2, 1.0, embeddings=True)
    make_adapter(tiny_library.adapters, loaded, "Harbour", 2, with_embeddings)
    merge(tiny_library, "Both", [("Garden", 1.0), ("Harbour", 1.0)])
    merged = read_adapter(tiny_library.adapters, "Both")
    assert merged.card.embeddings
    config = json.loads((merged.path / "adapter_config.json").read_text())
    assert config["lora_parameters"]["rank"] == 6
    base = logits(loaded.model, IDS)
    model, *_ = load(str(tiny_library.models / "tiny"), adapter_path=str(merged.path))
    assert largest_difference(logits(model, IDS), base) > 0.01


def test_the_error_of_a_lower_rank_is_the_one_that_is_told(
    tiny_library: Library, loaded: LoadedModel
) -> None:
    parts = [
        make_adapter(tiny_library.adapters, loaded, name, seed, LoraShape(4, 2.0))
        for name, seed in (("Garden", 1), ("Harbour", 2))
    ]
    result = merge(tiny_library, "Small", [("Garden", 1.0), ("Harbour", 1.0)], rank=3)
    small = factors_of(read_adapter(tiny_library.adapters, "Small"))
    lost = total = 0.0
    for name, cut in small.items():
        exact = np.array(sum(change(factors_of(part)[name]) for part in parts), np.float64)
        lost += float(((np.array(change(cut), np.float64) - exact) ** 2).sum())
        total += float((exact**2).sum())
        values = np.linalg.svd(exact, compute_uv=False)
        best = float((values[3:] ** 2).sum())
        ours = float(((np.array(change(cut), np.float64) - exact) ** 2).sum())
        assert ours == pytest.approx(best, rel=1e-3)
    assert result["rank"] == 3
    assert result["lost"] == pytest.approx(math.sqrt(lost / total), rel=1e-3)
    assert read_adapter(tiny_library.adapters, "Small").card.lost == result["lost"]


def test_the_rank_that_would_be_close_is_the_smallest_that_is() -> None:
    """Layers whose singular values are known: two large ones, one small, one tiny."""
    mx.random.seed(3)
    sizes = mx.array([8.0, 5.0, 0.08, 0.001])
    left, right = (mx.array(np.linalg.qr(np.array(mx.random.normal((n, 4))))[0]) for n in (9, 7))
    adapter = {LAYER: Factors(left * sizes, right.T, 1.0, None)}
    cut = joined([(adapter, 1.0)], rank=1)
    errors = [joined([(adapter, 1.0)], rank).error for rank in (1, 2, 3, 4)]
    assert cut.error == pytest.approx(5.0 / math.sqrt(89.0), rel=1e-3)
    assert (cut.exact_rank, cut.close_rank) == (4, 2)
    assert errors[1] == pytest.approx(0.08 / math.sqrt(89.0), rel=1e-2)
    assert errors[1] <= CLOSE < errors[0]
    assert errors[3] == 0.0


def test_what_is_lost_in_one_layer_counts_in_all() -> None:
    mx.random.seed(4)
    shapes = {"large": 30.0, "small": 0.01}
    adapter = {
        name: Factors(size * mx.random.normal((9, 4)), mx.random.normal((4, 7)), 1.0, None)
        for name, size in shapes.items()
    }
    told = joined([(adapter, 1.0)], rank=1)
    alone = joined([({"large": adapter["large"]}, 1.0)], rank=1)
    assert told.error == pytest.approx(alone.error, rel=1e-4)
    assert joined([(adapter, 1.0)], told.close_rank).error <= CLOSE
    assert joined([(adapter, 1.0)], told.close_rank - 1).error > CLOSE


@pytest.mark.parametrize(
    ("result", "said"),
    [
        ({"lost": 0.2, "close_rank": 6, "exact_rank": 12}, "with rank 6; exactly, they take rank"),
        ({"lost": 0.2, "close_rank": 12, "exact_rank": 12}, "exactly, which takes rank 12"),
        ({"lost": 0.01, "close_rank": 3, "exact_rank": 12}, ""),
        ({"lost": 0.2}, ""),
        ({}, ""),
    ],
)
def test_a_better_rank_is_told_where_much_is_lost(result: dict[str, object], said: str) -> None:
    assert said in better_rank(result)
    assert bool(better_rank(result)) is bool(said)


def test_layers_of_experts_are_joined_one_by_one() -> None:
    mx.random.seed(1)
    parts = [
        Factors(mx.random.normal((3, r, 5)), mx.random.normal((3, 7, r)), 0.5, None) for r in (2, 3)
    ]
    exact = sum(0.5 * part.b @ part.a for part in parts)
    assert isinstance(exact, mx.array)
    whole = joined([({LAYER: part}, 1.0) for part in parts])
    found = whole.factors[LAYER]
    assert bool(mx.allclose(found.b @ found.a, exact, rtol=0.0, atol=1e-5).item())
    cut = joined([({LAYER: part}, 1.0) for part in parts], rank=4)
    assert cut.factors[LAYER].a.shape == (3, 4, 5)
    assert 0.0 < cut.error < 0.5


def refused(library: Library, parts: list[tuple[str, float]], name: str = "Both") -> ErrorKind:
    before = sorted(library.adapters.iterdir())
    with pytest.raises(OvernightError) as caught:
        merge(library, name, parts)
    assert caught.value.hint
    assert sorted(library.adapters.iterdir()) == before
    return caught.value.kind


def test_what_cannot_be_merged(tiny_library: Library, loaded: LoadedModel) -> None:
    make_adapter(tiny_library.adapters, loaded, "Garden", 1)
    make_adapter(tiny_library.adapters, loaded, "Harbour", 2)
    dora = LoraShape(4, 2.0, decomposed=True)
    make_adapter(tiny_library.adapters, loaded, "Dora", 3, dora)
    library = tiny_library
    assert refused(library, [("Garden", 1.0)]) is ErrorKind.BAD_INPUT
    assert refused(library, [("Garden", 1.0), ("Garden", 0.5)]) is ErrorKind.BAD_INPUT
    assert refused(library, [("Garden", 0.0), ("Harbour", 0.0)]) is ErrorKind.BAD_INPUT
    assert refused(library, [("Garden", 1.0), ("Dora", 1.0)]) is ErrorKind.BAD_INPUT
    assert refused(library, [("Garden", 1.0), ("nobody", 1.0)]) is ErrorKind.ADAPTER_UNKNOWN
    both = [("Garden", 1.0), ("Harbour", 1.0)]
    assert refused(library, both, "garden") is ErrorKind.ADAPTER_EXISTS
    assert refused(library, both, "../out") is ErrorKind.BAD_INPUT


@pytest.mark.parametrize("part", range(3))
def test_one_that_is_stopped_files_nothing(
    tiny_library: Library, loaded: LoadedModel, part: int
) -> None:
    make_adapter(tiny_library.adapters, loaded, "Garden", 1)
    make_adapter(tiny_library.adapters, loaded, "Harbour", 2)
    asked = iter(range(3))

    def check() -> None:
        if next(asked) == part:
            raise StoppedEarly

    with pytest.raises(StoppedEarly):
        merge(
            tiny_library,
            "Both",
            [("Garden", 1.0), ("Harbour", 1.0)],
            turn=Turn(stop_if_asked=check),
        )
    assert not (tiny_library.adapters / "Both").exists()
