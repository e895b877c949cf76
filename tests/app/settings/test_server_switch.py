from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from app.jobs.local_server import LocalServer, ServerState
from app.settings.server_switch import ServerSwitch
from mlx_backend.library import Library
from tests.app.recorded import SERVER, STAND_IN_SERVER


@pytest.fixture
def server(library: Library, qtbot: QtBot) -> Iterator[LocalServer]:
    server = LocalServer(library, command=STAND_IN_SERVER)
    yield server
    server.shut_down()


@pytest.fixture
def row(server: LocalServer, qtbot: QtBot) -> ServerSwitch:
    row = ServerSwitch(server)
    qtbot.addWidget(row)
    row.show()
    return row


def test_address_token_and_a_line_can_be_copied_while_it_is_on(
    row: ServerSwitch, server: LocalServer, qtbot: QtBot
) -> None:
    assert not row.switch.isChecked()
    assert not row.access.isVisible()
    row.switch.click()
    assert row.status.isVisible()
    qtbot.waitUntil(row.access.isVisible)
    assert not row.status.isVisible()
    assert row.access.values["Address"].text() == SERVER["address"]
    assert row.access.values["Token"].text() == SERVER["token"]
    assert row.access.values["Model"].text() == "starter"
    assert server.access is not None
    line = server.access.client_line
    for name, expected in (
        ("Address", SERVER["address"]),
        ("Token", SERVER["token"]),
        ("In Python", line),
    ):
        row.access.buttons[name].click()
        assert QGuiApplication.clipboard().text() == expected
    row.switch.click()
    assert not row.access.isVisible()
    assert row.access.values["Token"].text() == ""
    qtbot.waitUntil(lambda: server.state is ServerState.OFF)
    assert row.switch.isEnabled()
    assert not row.trouble.isVisible()


def test_why_it_cannot_be_switched_on_is_said_below(library: Library, qtbot: QtBot) -> None:
    told = '{"error": {"kind": "busy", "message": "Port 8717 is taken.", "hint": "--port 0"}}'
    server = LocalServer(library, command=(sys.executable, "-c", f"print({told!r})"))
    row = ServerSwitch(server)
    qtbot.addWidget(row)
    row.show()
    row.switch.click()
    qtbot.waitUntil(row.trouble.isVisible)
    assert row.trouble.text().startswith("Port 8717 is taken.")
    assert not row.switch.isChecked()
    server.shut_down()
