"""Exporting, merging and receiving wait for the training to finish, and can be stopped then."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mlx_backend.adapters.exports import exporting
from mlx_backend.adapters.exports.exporting import ExportOrder, export_adapter
from mlx_backend.adapters.merging import merge
from mlx_backend.errors import OvernightError
from mlx_backend.jobs.lane import Turn
from mlx_backend.library import Library
from mlx_backend.locks import held, is_held
from mlx_backend.models.base_model import LoadedModel, load_base_model
from mlx_backend.protocol import JobEvent, Waiting
from mlx_backend.receiving.receive import ReceiveOrder, Watch, receive
from mlx_backend.training.stop_requests import StoppedEarly, check_of
from tests.mlx_backend.made import make_adapter


class Waits:
    """Whoever waits: hears of it, and stops it then."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def tell(self, event: JobEvent) -> None:
        if isinstance(event, Waiting):
            self.told.append(event.text)

    def stop_requested(self) -> bool:
        return bool(self.told)


def export_to(library: Library, to: Path, waits: Waits) -> None:
    order = ExportOrder("Garden", "mlx", to)
    assert export_adapter(library, order, waits.stop_requested, tell=waits.tell) is None


def merge_both(library: Library, _: Path, waits: Waits) -> None:
    both = [("Garden", 1.0), ("Harbour", 1.0)]
    with pytest.raises(StoppedEarly):
        merge(library, "Both", both, None, Turn(waits.tell, check_of(waits.stop_requested)))


def receive_one(library: Library, _: Path, waits: Waits) -> None:
    order = ReceiveOrder(str(library.adapters / "Garden"), "Theirs")
    with pytest.raises(StoppedEarly):
        receive(library, order, Watch(waits.stop_requested, tell=waits.tell))


@pytest.fixture
def two(tiny_library: Library, loaded: LoadedModel) -> Library:
    for seed, name in enumerate(("Garden", "Harbour")):
        make_adapter(tiny_library.adapters, loaded, name, seed)
    return tiny_library


@pytest.mark.parametrize("work", [export_to, merge_both, receive_one])
def test_each_waits_for_the_lane_and_ends_its_wait_without_a_trace(
    two: Library, tmp_path: Path, work: Callable[[Library, Path, Waits], None]
) -> None:
    before = sorted(two.adapters.rglob("*"))
    waits = Waits()
    with held(two.lane):
        work(two, tmp_path / "out", waits)
    assert len(waits.told) == 1
    assert not (tmp_path / "out").exists()
    assert sorted(two.adapters.rglob("*")) == before
    assert list(two.home.glob(".receiving-*")) == []


def test_what_cannot_be_is_said_without_a_wait(two: Library, tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "mine").touch()
    with held(two.lane):
        for name, to in (("nobody", tmp_path / "out"), ("Garden", taken)):
            with pytest.raises(OvernightError):
                export_adapter(two, ExportOrder(name, "mlx", to))
        with pytest.raises(OvernightError):
            merge(two, "Garden", [("Garden", 1.0), ("Harbour", 1.0)])
        with pytest.raises(OvernightError):
            receive(two, ReceiveOrder(str(tmp_path / "gone.overnight"), "Theirs"), Watch())


def test_an_export_holds_the_lane_while_it_computes(
    two: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []

    def load(library: Library, name: str) -> LoadedModel:
        seen.append(is_held(library.lane))
        return load_base_model(library, name)

    monkeypatch.setattr(exporting, "load_base_model", load)
    assert export_adapter(two, ExportOrder("Garden", "mlx", tmp_path / "out")) is not None
    assert seen == [True]
    assert not is_held(two.lane)
