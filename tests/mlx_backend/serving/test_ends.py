"""How a server starts and how it ends."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from mlx_backend.cli.command_parser import WrongUsage
from mlx_backend.cli.main import main
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.library import Library
from mlx_backend.library.home import HOME_VARIABLE
from mlx_backend.serving.listening import bound
from tests.mlx_backend.serving.served import PATIENCE_S, Served, read_all
from tests.mlx_backend.serving.test_many_clients import ENDLESS, posted


def test_a_signal_ends_it_amid_an_answer(
    served: Served, served_library: Library, tmp_path: Path
) -> None:
    server = Served.start(served_library, tmp_path, "--adapter", "Shop:0.5")
    assert server.model == "tiny+Shop:0.5"
    assert len(server.token) > 40
    assert served.raw("GET", "/v1/models", Authorization=f"Bearer {server.token}").status == 401
    client = server.connected()
    client.sendall(posted(server, ENDLESS | {"stream": True}))
    assert b"200 OK" in client.recv(4096)
    server.process.send_signal(signal.SIGTERM)
    assert b'"code":"ending"' in read_all(client)
    client.close()
    assert server.process.stdout is not None
    assert json.loads(server.process.stdout.read()) == {"ended": True}
    assert server.wait() == 0
    errors = server.errors.read_text()
    assert "Traceback" not in errors
    assert server.token not in errors


def test_it_ends_with_the_program_that_started_it(served_library: Library, tmp_path: Path) -> None:
    server = Served.start(served_library, tmp_path, "--until-input-ends", stdin=subprocess.PIPE)
    assert server.process.stdin is not None
    server.process.stdin.close()
    assert server.wait() == 0


def test_people_read_address_token_and_a_line_to_copy(
    served_library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(served_library.home))
    words = (sys.executable, "-m", "mlx_backend.cli", "serve", "--port", "0")
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline().decode() for _ in range(7)]
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0
    address, token = lines[0].split()[-1], lines[1].split()[-1]
    assert lines[2].split()[-1] == "tiny"
    line = f'client = OpenAI(base_url="{address}", api_key="{token}")'
    assert lines[6].strip() == line
    compile(line, "line", "exec")
    assert token.encode() not in errors


def failure(capsys: pytest.CaptureFixture[str], *words: object) -> dict[str, str]:
    """What a command says that fails."""
    assert main([*map(str, words), "--json"]) == 1
    error: dict[str, str] = json.loads(capsys.readouterr().out)["error"]
    return error


@pytest.fixture
def _its_library(served_library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(served_library.home))


@pytest.mark.usefixtures("_its_library")
def test_a_port_that_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        error = failure(capsys, "serve", "--port", port)
    assert error["kind"] == "busy"
    assert str(port) in error["message"]
    assert "port" in error["hint"]


def test_a_port_that_may_not_be_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", refuse)
    with pytest.raises(OvernightError) as caught:
        bound(80)
    assert caught.value.kind is ErrorKind.REFUSED


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (("--model", "nobody"), "model_unknown"),
        (("--adapter", "nobody"), "adapter_unknown"),
        (("--adapter", "Shop", "--model", "nobody"), "model_unknown"),
    ],
)
@pytest.mark.usefixtures("_its_library")
def test_who_is_not_there_cannot_be_served(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], kind: str
) -> None:
    assert failure(capsys, "serve", *words, "--port", 0)["kind"] == kind


@pytest.mark.parametrize("port", ["-1", "65536", "x"])
def test_a_port_is_a_number(port: str) -> None:
    with pytest.raises(WrongUsage):
        main(["serve", "--port", port])


def test_nothing_of_it_is_in_the_library(served: Served, served_library: Library) -> None:
    """Neither the token nor a question is in any file of the library."""
    question = "Where does nobody write these very words?"
    served.chat({"messages": [{"role": "user", "content": question}], "max_tokens": 2})
    served.chat({"messages": [{"role": "user", "content": question}], "grounded": True})
    served.chat({"messages": question})
    assert question.encode() not in served.errors.read_bytes()
    for path in served_library.home.rglob("*"):
        if path.is_file() and not path.is_symlink() and "models" not in path.parts:
            data = path.read_bytes()
            assert served.token.encode() not in data
            assert question.encode() not in data
