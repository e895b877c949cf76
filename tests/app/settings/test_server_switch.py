from __future__ import annotations

import json
import sys
from collections.abc import Iterator

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QSpinBox
from pytestqt.qtbot import QtBot

from app.jobs.local_server import LocalServer, ServerState
from app.services import Services, make_services
from app.settings.page import SettingsPage
from app.settings.server_switch import ServerSwitch
from mlx_backend.library import Library
from mlx_backend.settings import change_settings
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


@pytest.mark.parametrize(
    ("kept", "returns", "said"),
    [
        (True, False, "stays the same"),
        (False, False, "at each start"),
        (False, True, "may count again"),
    ],
)
def test_whether_the_token_stays_is_said(
    library: Library, qtbot: QtBot, kept: bool, returns: bool, said: str
) -> None:
    told = json.dumps({**SERVER, "token_kept": kept, "old_token_may_return": returns})
    script = f"import sys; print({told!r}, flush=True); sys.stdin.read()"
    server = LocalServer(library, command=(sys.executable, "-c", script))
    row = ServerSwitch(server)
    qtbot.addWidget(row)
    row.show()
    row.switch.click()
    qtbot.waitUntil(row.access.isVisible)
    assert said in row.access.kept.text()
    row.access.new_token.click()
    assert server.state is ServerState.ENDING
    qtbot.waitUntil(lambda: server.state is ServerState.ON)
    server.shut_down()


def test_another_port_is_said_to_be_taken_later(
    services: Services, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services.server, "_command", STAND_IN_SERVER)
    page = SettingsPage(
        services.preferences,
        services.library.home,
        services.background,
        services.history,
        services.server,
    )
    qtbot.addWidget(page)
    page.show()
    page.server.switch.click()
    qtbot.waitUntil(page.server.access.isVisible)
    assert not page.server.moves.isVisible()
    port = page.fields["server_port"]
    assert isinstance(port, QSpinBox)
    port.setValue(9000)
    assert "It moves to port 9000" in page.server.moves.text()
    assert page.server.moves.isVisible()
    assert services.preferences.settings.server_port == 9000


def test_it_starts_with_the_window_where_that_is_wanted(
    library: Library, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    switched: list[bool] = []
    monkeypatch.setattr(LocalServer, "switch", lambda _, is_on: switched.append(is_on))
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    make_services(library, app).close()
    assert switched == []
    change_settings(library.settings, server_with_window=True)
    make_services(library, app).close()
    assert switched == [True]


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
