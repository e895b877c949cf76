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
from mlx_backend.protocol import JobEvent, Progress
from mlx_backend.receiving.receive import ReceiveOrder, Watch, receive
from mlx_backend.training.stop_requests import StoppedEarly
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


@pytest.mark.parametrize(
    "source",
    [
        "ana/garden@main",
        f"ana/garden@{COMMIT}",
        "https://huggingface.co/ana/garden",
        f"huggingface.co/ana/garden/tree/{COMMIT}",
    ],
)
def test_a_revision_or_the_address_of_the_page_names_it_too(
    tiny_library: Library, published: Path, hub: Hub, source: str
) -> None:
    hub.repos["ana/garden"] = Repo.of_folder(published)
    take_in(tiny_library, source)
    came = read_adapter(tiny_library.adapters, "Theirs")
    assert came.card.origin is not None
    assert came.card.origin.place == f"ana/garden@{COMMIT}"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("https://huggingface.co/datasets/ana/garden", "is a data set, not an adapter"),
        ("https://example.org/ana/garden", "lies on example.org"),
        ("https://huggingface.co/ana", "does not name a repository"),
    ],
)
def test_an_address_that_names_none_says_what_would(
    tiny_library: Library, source: str, said: str
) -> None:
    with pytest.raises(OvernightError, match=said) as caught:
        take_in(tiny_library, source)
    assert "for example anna/garden-notes" in caught.value.hint


def test_how_much_has_come_is_told(tiny_library: Library, published: Path, hub: Hub) -> None:
    hub.repos["ana/garden"] = Repo.of_folder(published)
    told: list[JobEvent] = []
    receive(tiny_library, ReceiveOrder("ana/garden", "Theirs"), Watch(tell=told.append))
    sizes = [
        (published / name).stat().st_size
        for name in ("adapters.safetensors", "adapter_config.json")
    ]
    progress = [each for each in told if isinstance(each, Progress)]
    assert {(each.total, each.unit) for each in progress} == {(sum(sizes), "bytes")}
    assert progress[-1].done == sum(sizes)


def test_a_private_one_wants_a_token(
    tiny_library: Library, published: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.repos["ana/garden"] = Repo.of_folder(published, tokens={"hf_ana"})
    with pytest.raises(OvernightError) as caught:
        take_in(tiny_library, "ana/garden")
    assert caught.value.message == "The Hub has no repository ana/garden, or it is private."
    assert "token" in caught.value.hint
    monkeypatch.setenv("HF_TOKEN", "hf_ana")
    assert take_in(tiny_library, "ana/garden")["adapter"] == "Theirs"


def test_without_a_network_nothing_is_said_to_be_kept(
    tiny_library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(OvernightError) as caught:
        take_in(tiny_library, "ana/garden")
    assert caught.value.kind is ErrorKind.OFFLINE
    assert caught.value.hint == "Check the connection to the internet."
    assert list(tiny_library.adapters.iterdir()) == []


def test_a_stop_while_it_comes_keeps_nothing(
    tiny_library: Library, published: Path, hub: Hub
) -> None:
    hub.repos["ana/garden"] = Repo.of_folder(published)
    before = sorted(tiny_library.home.iterdir())
    order = ReceiveOrder("ana/garden", "Theirs")
    with pytest.raises(StoppedEarly):
        receive(tiny_library, order, Watch(stop_requested=lambda: bool(hub.authorizations)))
    assert sorted(tiny_library.home.iterdir()) == before
