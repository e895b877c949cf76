from __future__ import annotations

import errno
import json
import os
import shutil
from pathlib import Path

import pytest

from mlx_backend.errors import ErrorKind, from_exception
from mlx_backend.jobs import JobFolder
from mlx_backend.library import Library
from mlx_backend.models.base_model import load_base_model
from mlx_backend.models.hub.fetching import RESERVE, amount_fetched
from tests.mlx_backend.adoption.conftest import Fetch, Refused, stop_after
from tests.mlx_backend.models.hub.loopback_hub import REPO, Hub, Serving
from tests.mlx_backend.models.hub.weights import WEIGHTS, enlarge_weights, split_weights


def change_config(hub: Hub, **changes: object) -> None:
    files = hub.repos[REPO].files
    files["config.json"] = json.dumps(json.loads(files["config.json"]) | changes).encode()


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_offline(hub: Hub, refused: Refused, monkeypatch: pytest.MonkeyPatch) -> None:
    with Serving(Hub()) as gone:
        monkeypatch.setenv("HF_ENDPOINT", gone.url)
    error = refused()
    assert error.kind is ErrorKind.OFFLINE
    assert "cannot be reached" in error.message


def test_told_not_to_go_online(hub: Hub, refused: Refused, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.is_offline_mode", lambda: True)
    assert "HF_HUB_OFFLINE" in refused().message


def test_not_found(hub: Hub, refused: Refused) -> None:
    del hub.repos[REPO]
    error = refused()
    assert error.kind is ErrorKind.MODEL_UNKNOWN
    assert REPO in error.message


def test_no_such_revision(hub: Hub, refused: Refused) -> None:
    error = refused(revision="v9")
    assert error.kind is ErrorKind.MODEL_UNKNOWN
    assert "revision" in error.message


def test_a_private_one_without_a_token(hub: Hub, refused: Refused) -> None:
    hub.repos[REPO].tokens = {"secret"}
    error = refused()
    assert error.kind is ErrorKind.MODEL_UNKNOWN
    assert "overnight token" in error.hint


def test_a_gated_one_without_a_token(hub: Hub, refused: Refused) -> None:
    hub.repos[REPO].gated = True
    error = refused()
    assert error.kind is ErrorKind.REFUSED
    assert "no token is set" in error.message
    assert f"https://huggingface.co/{REPO}" in error.hint


def test_a_gated_one_with_and_without_its_licence_accepted(
    hub: Hub, refused: Refused, fetch: Fetch, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.repos[REPO].gated, hub.repos[REPO].tokens = True, {"the-right-one"}
    monkeypatch.setenv("HF_TOKEN", "another")
    error = refused()
    assert error.kind is ErrorKind.REFUSED
    assert "accepted" in error.message
    monkeypatch.setenv("HF_TOKEN", "the-right-one")
    assert fetch() is not None


def test_a_data_set(hub: Hub, refused: Refused) -> None:
    hub.repos[REPO].kind = "datasets"
    assert "is a data set" in refused().message


@pytest.mark.parametrize("change", [-1, 1])
def test_a_wrong_length(hub: Hub, refused: Refused, change: int) -> None:
    size = len(hub.repos[REPO].files[WEIGHTS])
    hub.repos[REPO].says[WEIGHTS] = {"size": size + change}
    error = refused()
    assert error.kind is ErrorKind.MODEL_DAMAGED
    assert "length" in error.message


@pytest.mark.parametrize("file", [WEIGHTS, "config.json"])
def test_a_wrong_hash(hub: Hub, refused: Refused, job: JobFolder, file: str) -> None:
    files = hub.repos[REPO].files
    lfs = {"sha256": "0" * 64, "size": len(files[file]), "pointerSize": 130}
    hub.repos[REPO].says[file] = {"lfs": lfs} if file == WEIGHTS else {"blobId": "0" * 40}
    error = refused()
    assert error.kind is ErrorKind.MODEL_DAMAGED
    assert "check sum" in error.message
    assert names_in(job.path / "parts") == set()


def test_what_a_power_cut_damaged_is_fetched_anew(hub: Hub, fetch: Fetch, job: JobFolder) -> None:
    enlarge_weights(hub.repos[REPO].files)
    fetch(stop_after(hub, 3 << 20))
    part = job.path / "parts" / WEIGHTS
    part.write_bytes(bytes(part.stat().st_size))
    assert fetch() is not None


def test_a_disk_without_room(
    hub: Hub, refused: Refused, fetch: Fetch, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage("/")
    full = usage._replace(free=RESERVE + 1000)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda _: full)
        error = refused()
    assert error.kind is ErrorKind.DISK_FULL
    assert "no room" in error.message
    assert not hub.requests
    assert fetch() is not None


def test_a_disk_that_gets_full_meanwhile(
    hub: Hub, library: Library, fetch: Fetch, job: JobFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    enlarge_weights(hub.repos[REPO].files, 12 << 20)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr("mlx_backend.models.hub.transfer.sync_file", full)
        (job.path / "model").mkdir()
        for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
            (job.path / "model" / name).write_bytes(hub.repos[REPO].files[name])
        with pytest.raises(OSError, match="No space") as caught:
            fetch()
    assert from_exception(caught.value).kind is ErrorKind.DISK_FULL
    assert not names_in(library.models)
    there = amount_fetched(job)[0]
    assert there >= 8 << 20
    assert fetch() is not None
    assert [request.begin for request in hub.requests][-1] >= 8 << 20


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"model-q4.gguf": b""}, "GGUF"),
        ({"pytorch_model.bin": b""}, "pickle"),
        ({"adapter_model.safetensors": b"", "adapter_config.json": b""}, "adapter"),
        ({"notes.txt": b""}, "no weights"),
        ({"consolidated.safetensors": b""}, "no weights"),
    ],
)
def test_what_holds_no_base_model(
    hub: Hub, refused: Refused, files: dict[str, bytes], why: str
) -> None:
    del hub.repos[REPO].files[WEIGHTS]
    hub.repos[REPO].files |= files
    error = refused()
    assert error.kind is ErrorKind.BAD_INPUT
    assert why in error.message
    assert not hub.requests


@pytest.mark.parametrize(
    ("gone", "instead", "why"),
    [
        ("config.json", "", "no config.json"),
        ("tokenizer.json", "", "no tokenizer"),
        ("tokenizer.json", "tokenizer.model", "SentencePiece"),
    ],
)
def test_files_that_are_missing(
    hub: Hub, refused: Refused, gone: str, instead: str, why: str
) -> None:
    del hub.repos[REPO].files[gone]
    hub.repos[REPO].files |= {instead: b""} if instead else {}
    assert why in refused().message


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"model_type": "brand_new"}, "'brand_new', is unknown"),
        ({"model_type": "../../evil"}, "is unknown"),
        ({"model_type": "cache"}, "is unknown"),
        ({"model_type": None}, "is unknown"),
        ({"model_type": ["llama"]}, "is unknown"),
        ({"model_file": "evil.py"}, "program code"),
        ({"quantization_config": {"quant_method": "bitsandbytes"}}, "bitsandbytes"),
    ],
)
def test_configurations_that_cannot_be_loaded_are_refused_before_the_weights(
    hub: Hub, refused: Refused, job: JobFolder, changes: dict[str, object], why: str
) -> None:
    change_config(hub, **changes)
    assert why in refused().message
    assert not hub.sent_of(WEIGHTS)
    assert not {"parts", "model"} & names_in(job.path)


def test_code_in_the_repository_is_ignored_where_mlx_lm_has_its_own(
    hub: Hub, library: Library, fetch: Fetch
) -> None:
    change_config(hub, auto_map={"AutoModelForCausalLM": "modeling_evil.Evil"})
    hub.repos[REPO].files["modeling_evil.py"] = b"raise SystemExit('it ran')"
    assert fetch() is not None
    load_base_model(library, "Tiny-1B")


def test_a_tokenizer_that_would_need_code_is_refused(
    hub: Hub, refused: Refused, untried: pytest.MonkeyPatch
) -> None:
    untried.undo()
    files = hub.repos[REPO].files
    code = {"AutoTokenizer": ["evil.Evil", None]}
    change_config(hub, auto_map=code)
    said = json.loads(files["tokenizer_config.json"])
    said |= {"tokenizer_class": "EvilTokenizer", "auto_map": code}
    files["tokenizer_config.json"] = json.dumps(said).encode()
    assert "program code" in refused().message


@pytest.mark.parametrize(
    ("file", "data", "why"),
    [
        ("config.json", b"{", "config.json is no readable JSON"),
        ("config.json", b"[" * 100_000, "config.json is no readable JSON"),
        ("tokenizer.json", b"{}", "tokenizer cannot be loaded"),
        ("tokenizer_config.json", b"{}", "no chat template"),
        (WEIGHTS, b"", "weights are damaged"),
        (WEIGHTS, (1 << 62).to_bytes(8, "little"), "weights are damaged"),
    ],
)
def test_files_that_are_not_what_they_should_be(
    hub: Hub, refused: Refused, job: JobFolder, file: str, data: bytes, why: str
) -> None:
    hub.repos[REPO].files[file] = data
    assert why in refused().message
    assert not {"parts", "model"} & names_in(job.path)


def test_a_configuration_that_is_far_too_large(hub: Hub, refused: Refused) -> None:
    hub.repos[REPO].says["config.json"] = {"size": 1 << 60}
    assert "far too large" in refused().message


def test_weight_files_that_are_missing(hub: Hub, refused: Refused) -> None:
    split_weights(hub.repos[REPO].files)
    del hub.repos[REPO].files["model-00002-of-00002.safetensors"]
    assert "model-00002-of-00002.safetensors" in refused().message
    assert not hub.sent_of("model-00001-of-00002.safetensors")


def test_an_index_that_lies(hub: Hub, refused: Refused) -> None:
    split_weights(hub.repos[REPO].files, lie=True)
    assert "index of weights is wrong" in refused().message


def test_an_index_that_leads_out(hub: Hub, refused: Refused) -> None:
    index = {"weight_map": {"a": "../../../etc/passwd"}}
    hub.repos[REPO].files["model.safetensors.index.json"] = json.dumps(index).encode()
    assert "missing" in refused().message


def test_two_files_with_the_same_tensor(hub: Hub, refused: Refused) -> None:
    files = hub.repos[REPO].files
    files["model-more.safetensors"] = files[WEIGHTS]
    assert "the same tensor" in refused().message


@pytest.mark.parametrize("commit", ["", "main", "../x"])
def test_a_listing_without_a_commit(
    hub: Hub, refused: Refused, commit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.mlx_backend.models.hub.loopback_hub.COMMIT", commit)
    assert "cannot be understood" in refused().message


@pytest.mark.parametrize(
    "said",
    [
        {"size": -1},
        {"size": "9"},
        {"blobId": None},
        {"lfs": {"sha256": "x", "size": 1, "pointerSize": 1}},
    ],
)
def test_a_listing_that_makes_no_sense(hub: Hub, refused: Refused, said: dict[str, object]) -> None:
    hub.repos[REPO].says["config.json"] = said
    assert refused().kind in (ErrorKind.OFFLINE, ErrorKind.MODEL_DAMAGED)


def test_another_part_than_was_asked_for(hub: Hub, refused: Refused) -> None:
    hub.headers = {"Content-Range": "bytes 5-9/10"}
    assert refused().kind is ErrorKind.OFFLINE


def test_bytes_in_a_form_of_their_own(hub: Hub, refused: Refused) -> None:
    hub.headers = {"Content-Encoding": "gzip"}
    assert "cannot be understood" in refused().message
