from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.jobs.local_server import LocalServer, ServerAccess, ServerState
from mlx_backend.errors import ErrorKind
from mlx_backend.library import Library
from tests.app.recorded import SERVER, STAND_IN_SERVER

ServerMaker = Callable[..., LocalServer]
_TAKEN = {"error": {"kind": "busy", "message": "Port 8717 is taken.", "hint": "Try --port 0."}}


@pytest.fixture
def make_server(library: Library, qtbot: QtBot) -> Iterator[ServerMaker]:
    servers: list[LocalServer] = []

    def make(script: str = "") -> LocalServer:
        command = (sys.executable, "-c", script) if script else STAND_IN_SERVER
        servers.append(LocalServer(library, command=command))
        return servers[-1]

    yield make
    for server in servers:
        server.shut_down()


def test_it_is_off_until_it_is_switched_on_and_off_again(
    make_server: ServerMaker, qtbot: QtBot
) -> None:
    server = make_server()
    seen: list[ServerState] = []
    server.changed.connect(lambda: seen.append(server.state))
    assert (server.state, server.access) == (ServerState.OFF, None)
    server.switch(True)
    qtbot.waitUntil(lambda: server.state is ServerState.ON)
    assert server.access == ServerAccess(SERVER["address"], SERVER["token"], SERVER["model"])
    server.switch(True)
    server.switch(False)
    server.switch(False)
    qtbot.waitUntil(lambda: server.state is ServerState.OFF)
    assert server.access is None
    assert server.error is None
    assert seen == [ServerState.STARTING, ServerState.ON, ServerState.ENDING, ServerState.OFF]
    server.switch(True)
    qtbot.waitUntil(lambda: server.state is ServerState.ON)


_SAYS_ITS_WORDS = f"""
import json, sys
told = {SERVER!r} | {{"model": " ".join(sys.argv[1:])}}
print(json.dumps(told), flush=True)
sys.stdin.read()
"""


def test_a_new_token_starts_it_again_once_with_one(make_server: ServerMaker, qtbot: QtBot) -> None:
    server = make_server(_SAYS_ITS_WORDS)
    server.renew_token()  # it is off
    assert server.state is ServerState.OFF
    models: list[str] = []
    server.changed.connect(
        lambda: models.append(server.access.model) if server.access is not None else None
    )
    server.switch(True)
    qtbot.waitUntil(lambda: len(models) == 1)
    server.renew_token()
    qtbot.waitUntil(lambda: len(models) == 2)
    server.switch(False)
    qtbot.waitUntil(lambda: server.state is ServerState.OFF)
    server.switch(True)
    qtbot.waitUntil(lambda: len(models) == 3)
    assert models == ["--port 8717", "--port 8717 --new-token", "--port 8717"]


def test_switched_off_while_it_ends_for_a_new_token_it_stays_off(
    make_server: ServerMaker, qtbot: QtBot
) -> None:
    server = make_server(_SAYS_ITS_WORDS)
    models: list[str] = []
    server.changed.connect(
        lambda: models.append(server.access.model) if server.access is not None else None
    )
    server.switch(True)
    qtbot.waitUntil(lambda: server.state is ServerState.ON)
    seen: list[ServerState] = []
    server.changed.connect(lambda: seen.append(server.state))
    server.renew_token()
    server.switch(False)
    qtbot.waitUntil(lambda: len(seen) == 2)
    assert seen == [ServerState.ENDING, ServerState.OFF]
    server.switch(True)
    qtbot.waitUntil(lambda: server.state is ServerState.ON)
    assert models == ["--port 8717", "--port 8717"]


def test_the_port_is_asked_for_at_each_start(library: Library, qtbot: QtBot) -> None:
    ports = [8717]
    command = (sys.executable, "-c", _SAYS_ITS_WORDS)
    server = LocalServer(library, command=command, port=lambda: ports[0])
    server.switch(True)
    qtbot.waitUntil(lambda: server.state is ServerState.ON)
    assert server.moves_to == 0
    ports[0] = 9000
    assert server.moves_to == 9000
    server.shut_down()


def test_a_line_makes_a_client(make_server: ServerMaker) -> None:
    line = ServerAccess(SERVER["address"], SERVER["token"], SERVER["model"]).client_line
    assert line == (f'client = OpenAI(base_url="{SERVER["address"]}", api_key="{SERVER["token"]}")')
    compile(line, "line", "exec")


def test_a_port_that_is_taken_is_said_without_options_of_the_command_line(
    make_server: ServerMaker, qtbot: QtBot
) -> None:
    server = make_server(f"print({json.dumps(json.dumps(_TAKEN))}); raise SystemExit(1)")
    server.switch(True)
    qtbot.waitUntil(lambda: server.state is ServerState.OFF)
    assert server.error is not None
    assert server.error.kind is ErrorKind.BUSY
    assert server.error.message == "Port 8717 is taken."
    assert "--port" not in server.error.hint


@pytest.mark.parametrize(
    "script",
    ["raise SystemExit(3)", "print('x'); print('[1]')", "import os; os.kill(os.getpid(), 9)"],
)
def test_an_end_by_itself_is_an_error(make_server: ServerMaker, qtbot: QtBot, script: str) -> None:
    server = make_server(script)
    server.switch(True)
    qtbot.waitUntil(lambda: server.state is ServerState.OFF)
    assert server.error is not None
    assert server.error.kind is ErrorKind.WORKER_STOPPED


def test_a_command_that_is_not_there(library: Library, qtbot: QtBot) -> None:
    server = LocalServer(library, command=("/nowhere/overnight",))
    server.switch(True)
    qtbot.waitUntil(lambda: server.state is ServerState.OFF)
    assert server.error is not None
    server.shut_down()


def test_one_that_does_not_end_is_ended(
    make_server: ServerMaker, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = f"print({json.dumps(json.dumps(SERVER))}, flush=True); import time; time.sleep(60)"
    server = make_server(script)
    server._patience.setInterval(100)
    server.switch(True)
    qtbot.waitUntil(lambda: server.state is ServerState.ON)
    server.switch(False)
    qtbot.waitUntil(lambda: server.state is ServerState.OFF)
    assert server.error is None


def test_what_it_prints_is_in_its_log_and_the_token_is_not(
    make_server: ServerMaker, qtbot: QtBot, library: Library
) -> None:
    told = json.dumps(json.dumps(SERVER))
    script = (
        f"import sys; print('hm', file=sys.stderr); print({told}, flush=True); sys.stdin.read()"
    )
    server = make_server(script)
    server.switch(True)
    qtbot.waitUntil(lambda: server.state is ServerState.ON)
    server.shut_down()
    log: Path = library.logs / "server.log"
    assert "hm" in log.read_text()
    assert SERVER["token"] not in log.read_text()


def test_the_command_serves_the_window_s_library_until_its_input_ends(
    library: Library, qtbot: QtBot
) -> None:
    assert LocalServer(library)._command[-3:] == ("serve", "--json", "--until-input-ends")
