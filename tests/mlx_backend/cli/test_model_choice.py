"""`overnight models`: what is there, what could be downloaded, and what other programs keep."""

from __future__ import annotations

import shlex
from pathlib import Path

import msgspec
import psutil
import pytest

from mlx_backend.catalogue.entries import entries
from mlx_backend.cli.main import main
from mlx_backend.library import Library
from mlx_backend.library.models import CARD
from mlx_backend.library.this_machine import Machine
from tests.mlx_backend.abilities import READS
from tests.mlx_backend.catalogue.other_programs import write, write_in_cache
from tests.mlx_backend.cli.running import Run, Said
from tests.mlx_backend.models.hub.loopback_hub import Hub, Repo

OF_THE_HUB = "mlx-community/gemma-3-1b-it-qat-4bit"  # the catalogue pins no commit of it


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The person's folder, without models of other programs."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    for name in ("HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("HF_TOKEN", raising=False)


@pytest.fixture
def mac(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(16 << 30, has_gpu=True)
    monkeypatch.setattr(Machine, "here", classmethod(lambda _: machine))


def read_by_itself(library: Library, name: str) -> None:
    """Give a model the card of one that passed its trial and can think."""
    folder = library.models / name
    target = folder.resolve()
    folder.unlink()
    folder.mkdir()
    for path in target.iterdir():
        (folder / path.name).symlink_to(path)
    card = msgspec.json.decode((target / CARD).read_bytes(), type=dict[str, object])
    able = msgspec.to_builtins(msgspec.structs.replace(READS, thinks=True))
    (folder / CARD).unlink()
    (folder / CARD).write_bytes(msgspec.json.encode(card | {"abilities": able}))


def test_the_list_tells_what_each_can(tiny_library: Library, run: Run, said: Said) -> None:
    read_by_itself(tiny_library, "tiny")
    by_name = {model["name"]: model for model in run("models")["models"]}
    assert set(by_name) == {"starter", "tiny"}
    assert {"name", "bytes", "licence", "fits", "reads"} <= set(by_name["tiny"])
    assert (by_name["tiny"]["reads"], by_name["tiny"]["thinks"]) == (True, True)
    assert (by_name["starter"]["reads"], by_name["starter"]["thinks"]) == (False, False)
    assert by_name["tiny"]["fits"]
    assert by_name["tiny"]["train_bytes"] < psutil.virtual_memory().total
    lines = {line.split()[0]: line for line in said("models").splitlines()}
    assert "reads and answers" in lines["tiny"]
    assert "quotes" in lines["starter"]
    assert "trains" in lines["starter"]


def test_the_catalogue_without_the_hub(
    library: Library,
    run: Run,
    offline: None,
    mac: None,
    capsys: pytest.CaptureFixture[str],
) -> None:
    told = run("models", "--catalogue")
    assert not told["from_hub"]
    assert told["recommended"] == "mlx-community/Qwen3-4B-Instruct-2507-4bit"
    assert [each["repo"] for each in told["catalogue"]] == [entry.repo for entry in entries()]
    of_hub = next(each for each in told["catalogue"] if each["repo"] == OF_THE_HUB)
    assert of_hub["licence_link"].startswith("https://ai.google.dev/")
    assert not of_hub["open_source"]
    assert of_hub["fits"]
    assert of_hub["bytes"] == 750_000_000
    assert not list(library.models.iterdir())  # listing makes nothing


def test_the_catalogue_for_people(library: Library, said: Said, offline: None, mac: None) -> None:
    text = said("models", "--catalogue")
    assert "* Qwen3 4B is the one for this machine." in text
    assert "overnight download mlx-community/Qwen3-4B-Instruct-2507-4bit@50d42775" in text
    assert "Gemma Terms of Use: https://ai.google.dev/gemma/terms" in text
    assert text.count("https://www.llama.com/llama3_2/license/") == 1


def test_offline_is_told_once(
    library: Library, offline: None, mac: None, capsys: pytest.CaptureFixture[str]
) -> None:
    from mlx_backend.cli.main import main

    assert main(["models", "--catalogue"]) == 0
    assert capsys.readouterr().err.count("The Hub cannot be reached") == 1


def test_the_catalogue_with_the_hub(library: Library, run: Run, hub: Hub, mac: None) -> None:
    files = {"config.json": b"{}", "tokenizer.json": b"{}", "model.safetensors": b"x" * 12_345}
    hub.repos[OF_THE_HUB] = Repo(files, licence="apache-2.0")
    told = run("models", "--catalogue")
    assert told["from_hub"]
    of_hub = next(each for each in told["catalogue"] if each["repo"] == OF_THE_HUB)
    assert (of_hub["bytes"], of_hub["licence"]) == (12_349, "apache-2.0")
    assert of_hub["open_source"]
    assert of_hub["computed"] == ["parameters"]
    other = next(each for each in told["catalogue"] if each["repo"] != OF_THE_HUB)
    assert other["bytes"] == entries()[0].bytes


def test_what_is_found_is_told_with_the_command_to_adopt_it(
    library: Library, run: Run, said: Said, home: Path, mac: None
) -> None:
    snapshot = write_in_cache(home / ".cache/huggingface/hub", "mlx-community/Qwen3-0.6B-4bit")
    folder = write(home / "MLXModels/it's here/a model")
    write(home / "MLXModels/gguf/only", {"a.gguf": 9})
    first, second, third = run("models", "--found")["found"]
    assert (first["path"], first["program"]) == (str(folder), "Osaurus")
    assert (second["path"], second["bits"], second["fits"]) == (str(snapshot), 4, True)
    assert "GGUF" in third["why_not"]
    text = said("models", "--found")
    commands = [line.strip() for line in text.splitlines() if "overnight adopt" in line]
    assert [shlex.split(command)[2] for command in commands] == [str(folder), str(snapshot)]
    assert "It cannot be adopted. Its weights are GGUF files" in text
    assert "Fits: trains on up to about 400 words" in text


def test_nothing_is_found(library: Library, run: Run, said: Said, home: Path) -> None:
    assert run("models", "--found") == {"found": []}
    assert "overnight models --catalogue" in said("models", "--found")


@pytest.mark.parametrize("words", [("--found", "--catalogue"), ("--remove", "x", "--found")])
def test_one_question_at_a_time(library: Library, words: tuple[str, ...]) -> None:
    from mlx_backend.cli.main import main

    with pytest.raises(SystemExit):
        main(["models", *words])


@pytest.mark.parametrize("setting", ["HF_TOKEN=no token", "HF_ENDPOINT=no address"])
@pytest.mark.usefixtures("library", "home", "offline")
def test_the_catalogue_is_listed_whatever_is_set_for_the_hub(
    run: Run, monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    """The list is on this machine; only true sizes and licences need the Hub."""
    name, _, value = setting.partition("=")
    monkeypatch.setenv(name, value)
    result = run("models", "--catalogue")
    assert len(result["catalogue"]) == len(entries())
    assert result["from_hub"] is False


@pytest.mark.usefixtures("library", "home", "offline")
def test_what_is_wrong_with_the_hubs_settings_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HF_TOKEN", "no token")
    assert main(["models", "--catalogue"]) == 0
    told = "".join(capsys.readouterr())
    assert "HF_TOKEN holds something that is no access token" in told
    assert "sizes and licences are those known at release" in told
