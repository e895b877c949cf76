"""`overnight token`, and that no file and no output of a download tells a kept one."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from mlx_backend.library import Library
from tests.mlx_backend.cli.running import Run, Said
from tests.mlx_backend.cli.terminal import Terminal
from tests.mlx_backend.models.hub.loopback_hub import REPO, Hub

TOKEN = "mirror-Zq81kkT0pw"


@pytest.fixture(autouse=True)
def not_set(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_TOKEN", raising=False)


def pipe(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def test_from_a_pipe(keyring_file: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    pipe(monkeypatch, f"{TOKEN}\n")
    assert run("token") == {"kept": True, "origin": "keyring"}
    assert TOKEN in keyring_file.read_text()
    assert run("token", "--forget") == {"kept": False, "origin": "nowhere"}
    assert TOKEN not in keyring_file.read_text()


def test_what_is_said(keyring_file: Path, said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    pipe(monkeypatch, f"{TOKEN}\n")
    assert said("token") == "The token is kept in the keyring of this computer.\n"
    monkeypatch.setenv("HF_TOKEN", "another")
    assert "The token is forgotten." in (text := said("token", "--forget"))
    assert "the environment variable HF_TOKEN" in text
    assert "another" not in text
    assert "no token to forget" in said("token", "--forget")


def test_an_empty_pipe_is_an_error(
    keyring_file: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe(monkeypatch, "")
    assert run("token", code=1)["error"]["kind"] == "wrong_usage"


def test_no_keyring(run: Run, library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    pipe(monkeypatch, f"{TOKEN}\n")
    error = run("token", code=1)["error"]
    assert error["kind"] == "refused"
    assert "HF_TOKEN" in error["hint"]
    assert TOKEN not in str(error)
    assert not files_with(library.home, TOKEN)


def test_typed_in_a_terminal_it_is_not_shown(keyring_file: Path) -> None:
    with Terminal([sys.executable, "-m", "mlx_backend.cli", "token"]) as terminal:
        terminal.wait_for("nothing changes nothing): ")
        terminal.type(f"{TOKEN}\n")
        terminal.wait_for("The token is kept in the keyring of this computer.")
        assert TOKEN not in terminal.seen
    assert TOKEN in keyring_file.read_text()


def test_nothing_typed_changes_nothing(keyring_file: Path) -> None:
    with Terminal([sys.executable, "-m", "mlx_backend.cli", "token"]) as terminal:
        terminal.wait_for("nothing changes nothing): ")
        terminal.type("\n")
        terminal.wait_for("Downloads use no token.")
    assert not keyring_file.exists()


def test_a_job_asks_the_keyring_itself_and_no_file_tells_the_token(
    hub: Hub, library: Library, said: Said, keyring_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe(monkeypatch, f"{TOKEN}\n")
    printed = said("token")
    hub.repos[REPO].gated = True
    printed += said("download", REPO, code=1)
    hub.repos[REPO].tokens = {TOKEN}
    printed += said("download", REPO)
    files = [request for request in hub.requests if request.path == "model.safetensors"]
    assert files  # the job's, which runs detached
    assert {request.authorization for request in files} == {f"Bearer {TOKEN}"}
    assert TOKEN not in printed
    assert any(library.home.rglob("events.jsonl"))
    assert not files_with(library.home, TOKEN)


def files_with(folder: Path, text: str) -> list[Path]:
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return [path for path in paths if text.encode() in path.read_bytes()]
