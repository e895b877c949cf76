"""Adapters in repositories of the Hub, of which only the weights and their configuration come."""

from __future__ import annotations

from pathlib import Path

import pytest
from mlx_lm.utils import load

from mlx_backend.adapters.exports.hub_folder import write_for_hub
from mlx_backend.adapters.exports.source import source_of
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.library import Library
from mlx_backend.library.adapters import read_adapter
from mlx_backend.models.base_model import LoadedModel
from mlx_backend.receiving.receive import ReceiveOrder, Watch, receive
from tests.mlx_backend.arrays import largest_difference, logits
from tests.mlx_backend.made import make_adapter
from tests.mlx_backend.models.hub.loopback_hub import COMMIT, Hub, Repo
from tests.mlx_backend.receiving.tried import try_in_this_process

IDS = [1, 50, 60, 70]


@pytest.fixture(autouse=True)
def trial_in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    try_in_this_process(monkeypatch)


@pytest.fixture
def published(tiny_library: Library, loaded: LoadedModel, tmp_path: Path) -> Path:
    """An adapter's folder for the Hub, with files that nobody asked for."""
    adapter = make_adapter(tiny_library.adapters, loaded, "Garden")
    folder = tmp_path / "published"
    folder.mkdir()
    assert write_for_hub(source_of(adapter, loaded, ""), folder) == ("mlx", "peft")
    (folder / "handler.py").write_text("raise SystemExit")
    (folder / "tokenizer.json").write_text("{}")
    return folder


def take_in(library: Library, source: str) -> dict[str, object]:
    return receive(library, ReceiveOrder(source, "Theirs"), Watch())


def test_a_published_adapter_comes_in_with_its_commit(
    tiny_library: Library, published: Path, hub: Hub
) -> None:
    hub.repos["ana/garden"] = Repo.of_folder(published)
    assert take_in(tiny_library, "ana/garden")["base"] == "starter"
    came = read_adapter(tiny_library.adapters, "Theirs")
    assert came.card.origin is not None
    assert came.card.origin.place == f"ana/garden@{COMMIT}"
    names = {path.name for path in came.path.iterdir()}
    assert names == {"adapters.safetensors", "adapter_config.json", "card.json", "README.md"}


def test_mlx_lm_loads_a_folder_for_the_hub(
    tiny_library: Library, loaded: LoadedModel, published: Path
) -> None:
    base = logits(loaded.model, IDS)
    model, *_ = load(str(tiny_library.models / "tiny"), adapter_path=str(published))
    assert largest_difference(logits(model, IDS), base) > 0.01


def test_a_repository_that_is_not_there(tiny_library: Library, hub: Hub) -> None:
    with pytest.raises(OvernightError) as caught:
        take_in(tiny_library, "ana/nothing")
    assert caught.value.kind is not ErrorKind.INTERNAL
    assert caught.value.hint
    assert list(tiny_library.adapters.iterdir()) == []


def test_a_repository_without_an_adapter(
    tiny_library: Library, model_files: Path, hub: Hub
) -> None:
    hub.repos["ana/model"] = Repo.of_folder(model_files)
    with pytest.raises(OvernightError, match=r"adapter_config\.json"):
        take_in(tiny_library, "ana/model")
