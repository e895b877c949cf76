from __future__ import annotations

import json
import math

import pytest

from mlx_backend.exam.probe import answer_losses, is_kept, probe_of_base, take_probe
from mlx_backend.models import lora
from mlx_backend.models.base_model import LoadedModel
from mlx_backend.models.lora import LoraShape
from mlx_backend.training.stop_requests import StoppedEarly


def test_losses_are_those_of_each_answer_alone(loaded: LoadedModel) -> None:
    pairs = [("Who?", "Marta."), ("What is in the harbour?", "There are four piers and a shop.")]
    together = answer_losses(loaded, pairs)
    alone = [answer_losses(loaded, [pair])[0] for pair in pairs]
    for (one, count), (other, same) in zip(together, alone, strict=True):
        assert count == same
        assert math.isclose(one, other, rel_tol=1e-4)


def test_the_base_is_asked_once(loaded: LoadedModel) -> None:
    first = probe_of_base(loaded, every=30)
    assert first.asked == 4
    assert 0 <= first.right <= first.asked
    assert first.perplexity > 1
    assert (len(first.marks), sum(first.marks)) == (first.asked, first.right)
    kept = (loaded.info.path / "general_probe.json").read_bytes()
    assert probe_of_base(loaded, every=30) == first
    assert (loaded.info.path / "general_probe.json").read_bytes() == kept


def test_a_damaged_record_is_measured_again(loaded: LoadedModel) -> None:
    (loaded.info.path / "general_probe.json").write_bytes(b"{")
    assert probe_of_base(loaded, every=60).asked == 2


def test_a_record_without_the_single_marks_is_measured_again(loaded: LoadedModel) -> None:
    """Version 0.1 wrote none; without them nobody knows which questions were forgotten."""
    path = loaded.info.path / "general_probe.json"
    probe_of_base(loaded, every=60)
    kept = json.loads(path.read_bytes())
    del kept["probes"]["60"]["marks"]
    path.write_text(json.dumps(kept))
    assert not is_kept(loaded, 60)
    assert len(probe_of_base(loaded, every=60).marks) == 2
    assert is_kept(loaded, 60)


def test_a_model_that_changed_is_measured_as_it_is(loaded: LoadedModel) -> None:
    before = take_probe(loaded, every=30)
    lora.attach(loaded.model, LoraShape(rank=4, scale=2.0))
    same = take_probe(loaded, every=30)
    assert math.isclose(same.perplexity, before.perplexity, rel_tol=1e-5)


def test_between_its_batches_it_can_be_ended(loaded: LoadedModel) -> None:
    calls = []

    def check() -> None:
        calls.append(1)
        if len(calls) == 2:
            raise StoppedEarly

    with pytest.raises(StoppedEarly):
        take_probe(loaded, 10, check)
    assert len(calls) == 2
