from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from mlx_backend import protocol
from mlx_backend.errors import ErrorKind
from mlx_backend.files import sha256_of_file
from mlx_backend.jobs import JobFolder
from mlx_backend.library import Library
from mlx_backend.library.models import CARD, read_model
from mlx_backend.models.base_model import load_base_model
from mlx_backend.models.hub.fetching import amount_fetched
from tests.mlx_backend.adoption.conftest import Fetch, Refused, stop_after, weights_there
from tests.mlx_backend.models.hub.loopback_hub import COMMIT, REPO, Hub, Repo, Serving
from tests.mlx_backend.models.hub.weights import WEIGHTS, enlarge_weights, split_weights, tensors_in


def progress_of(job: JobFolder) -> list[protocol.Progress]:
    return [e for e in job.reader().read_new() if isinstance(e, protocol.Progress)]


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_model_arrives_whole_with_its_card(
    hub: Hub, library: Library, fetch: Fetch, job: JobFolder, model_files: Path
) -> None:
    result = fetch()
    assert result is not None
    model = read_model(library.models, "Tiny-1B")
    assert {path.name: path.read_bytes() for path in model.path.iterdir() if path.name != CARD} == {
        path.name: path.read_bytes() for path in model_files.iterdir()
    }
    tensors = tensors_in((model.path / WEIGHTS).read_bytes())
    assert model.card.parameters == sum(tensor.size for tensor in tensors.values())
    assert model.card.licence == "apache-2.0"
    assert model.card.source == f"{REPO}@{COMMIT}"
    assert model.card.sha256 == sha256_of_file(model.path / WEIGHTS)
    assert [result[key] for key in ("model", "bytes", "licence", "path")] == [
        "Tiny-1B",
        model.bytes,
        "apache-2.0",
        str(model.path),
    ]
    assert not {"parts", "model"} & names_in(job.path)
    last = progress_of(job)[-1]
    assert last.unit == "bytes"
    assert last.done == last.total == sum(len(data) for data in hub.repos[REPO].files.values())
    load_base_model(library, "Tiny-1B")


def test_only_files_of_the_model_are_fetched(hub: Hub, library: Library, fetch: Fetch) -> None:
    traps = (
        "pytorch_model.bin",
        "modeling_tiny.py",
        "model.gguf",
        "LICENSE.py",
        "original/model.safetensors",
        "../model.safetensors",
        "/model.safetensors",
        "..\\model.safetensors",
        "model-../../x.safetensors",
        CARD,
    )
    files = hub.repos[REPO].files
    files |= dict.fromkeys(traps, b"trap") | {"LICENSE": b"Apache", "README.md": b"# Tiny"}
    wanted = {"config.json", "tokenizer.json", "tokenizer_config.json", WEIGHTS, "LICENSE"}
    fetch()
    assert {request.path for request in hub.requests} == wanted
    assert names_in(library.models / "Tiny-1B") == wanted | {CARD}
    assert names_in(library.models) == {"Tiny-1B", ".names.lock"}


def test_several_weight_files_and_their_index(hub: Hub, library: Library, fetch: Fetch) -> None:
    files = hub.repos[REPO].files
    split_weights(files)
    fetch()
    model = read_model(library.models, "Tiny-1B")
    digests = (
        f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n"
        for name in sorted(files)
        if name.endswith(".safetensors")
    )
    assert model.card.sha256 == hashlib.sha256("".join(digests).encode()).hexdigest()
    load_base_model(library, "Tiny-1B")


def test_a_name_that_is_taken_gets_a_number(hub: Hub, library: Library, fetch: Fetch) -> None:
    (library.models / "tiny-1b").mkdir()
    result = fetch()
    assert result is not None
    assert result["model"] == "Tiny-1B 2"


def test_a_name_of_choice(hub: Hub, fetch: Fetch) -> None:
    result = fetch(name="Mine")
    assert result is not None
    assert result["model"] == "Mine"


def test_licences_that_are_not_open_source_are_named_first(
    hub: Hub, fetch: Fetch, job: JobFolder
) -> None:
    hub.repos[REPO].licence = "llama3.2"
    fetch()
    events = job.reader().read_new()
    (notice,) = [event for event in events if isinstance(event, protocol.Notice)]
    assert "Llama 3.2 Community License" in notice.text
    assert "https://www.llama.com/llama3_2/license/" in notice.text
    stages = [e.stage if isinstance(e, protocol.StageBegan) else "" for e in events]
    assert events.index(notice) < stages.index("downloading")


def test_a_pause_keeps_what_is_there_and_the_commit(hub: Hub, fetch: Fetch, job: JobFolder) -> None:
    enlarge_weights(hub.repos[REPO].files)
    assert fetch(stop_after(hub, 3 << 20)) is None
    there = amount_fetched(job)[0]
    assert there
    hub.repos[REPO].licence = "changed meanwhile"
    sent = hub.sent
    assert fetch() is not None
    assert hub.sent - sent == len(hub.repos[REPO].files[WEIGHTS]) - weights_there(hub)


def test_a_server_without_ranges_begins_anew(hub: Hub, fetch: Fetch) -> None:
    enlarge_weights(hub.repos[REPO].files)
    fetch(stop_after(hub, 3 << 20))
    hub.knows_ranges = False
    assert fetch() is not None


def test_a_connection_that_breaks_again_and_again(hub: Hub, fetch: Fetch) -> None:
    enlarge_weights(hub.repos[REPO].files)
    hub.cuts.extend([300_000] * 20)  # more often than it tries in vain
    assert fetch() is not None
    assert hub.sent_of(WEIGHTS) < 1.01 * len(hub.repos[REPO].files[WEIGHTS])


def test_a_connection_that_brings_nothing_any_more(
    hub: Hub, refused: Refused, fetch: Fetch, job: JobFolder
) -> None:
    enlarge_weights(hub.repos[REPO].files)
    hub.cuts.extend([3 << 20] + [0] * 20)
    assert refused().kind is ErrorKind.OFFLINE
    assert amount_fetched(job)[0] > 3 << 20
    hub.cuts.clear()
    assert fetch() is not None


def test_too_many_requests(
    hub: Hub, refused: Refused, monkeypatch: pytest.MonkeyPatch, job: JobFolder
) -> None:
    monkeypatch.setattr("mlx_backend.models.hub.transfer.time.sleep", lambda _: None)
    hub.statuses.extend([(429, {"Retry-After": "7"})] * 6)
    error = refused()
    assert error.kind is ErrorKind.BUSY
    assert "too many requests" in error.message
    assert "trying again in 7 s" in progress_of(job)[-1].text


def test_a_server_that_has_trouble_for_a_while(hub: Hub, fetch: Fetch) -> None:
    hub.statuses.extend([(503, {}), (500, {}), (429, {"Retry-After": "0"})])
    assert fetch() is not None


def test_the_token_goes_to_no_other_host_and_into_no_file(
    hub: Hub, library: Library, fetch: Fetch, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = "mirror-Zq81kkT0pw"
    monkeypatch.setenv("HF_TOKEN", token)
    with Serving(Hub({REPO: Repo(dict(hub.repos[REPO].files))})) as other:
        hub.redirect_to = other.url
        assert fetch() is not None
    assert [request.path for request in other.requests] == [WEIGHTS]
    assert set(other.authorizations) == {""}
    assert set(hub.authorizations) == {f"Bearer {token}"}
    assert not files_with(library.home, token)


def test_a_server_that_repeats_the_token(
    hub: Hub, library: Library, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = "mirror-Zq81kkT0pw"
    monkeypatch.setenv("HF_TOKEN", token)
    hub.repos[REPO].gated = True
    error = refused()
    assert token not in error.message + error.hint + error.detail
    assert not files_with(library.home, token)


def files_with(folder: Path, text: str) -> list[Path]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return [path for path in files if text.encode() in path.read_bytes()]


@pytest.mark.parametrize(
    "setting",
    [("HF_ENDPOINT", "ftp://x"), ("HF_ENDPOINT", "huggingface.co"), ("HF_TOKEN", "a b")],
)
def test_settings_that_make_no_sense_lose_nothing(
    hub: Hub,
    refused: Refused,
    fetch: Fetch,
    job: JobFolder,
    monkeypatch: pytest.MonkeyPatch,
    setting: tuple[str, str],
) -> None:
    enlarge_weights(hub.repos[REPO].files)
    fetch(stop_after(hub, 3 << 20))
    there = amount_fetched(job)[0]
    monkeypatch.setenv(*setting)
    assert setting[0] in refused().message
    assert amount_fetched(job)[0] == there > 0
