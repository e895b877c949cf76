"""Adapters come in from repositories of the Hub, by their name or their page's address."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import QCoreApplication, QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.adapters.page import AdaptersPage
from app.jobs.hub_token import HubToken
from app.services import Services
from app.shell.file_drops import DropSign
from app.shell.window import Window
from mlx_backend import protocol
from mlx_backend.jobs import JobFolder
from mlx_backend.library import Library
from tests.app.filled import add_adapter

SECRET = "hf_secret"
PRIVATE = protocol.ErrorReport(
    kind="model_unknown",
    message="The Hub has no repository ana/garden, or it is private.",
    hint="Check the name at https://huggingface.co/models. A private one needs a token:"
    " `overnight token`.",
    wants_token=True,
)
NO_TOKENIZER = protocol.ErrorReport(
    kind="refused",
    message="ana/garden cannot be received.",
    hint="Its tokenizer is missing: ask its maker for another copy.",
)
OFFLINE = protocol.ErrorReport(
    kind="offline",
    message="The Hub cannot be reached, or the connection keeps breaking.",
    hint="Check the connection to the internet.",
)


@pytest.fixture
def page(services: Services, library: Library, qtbot: QtBot) -> AdaptersPage:
    add_adapter(library, "Journal")
    page = AdaptersPage(services)
    qtbot.addWidget(page)
    page.resize(1000, 700)
    page.show()
    qtbot.waitUntil(page.ways_in.hub.isVisible)
    return page


def ask(page: AdaptersPage, text: str) -> None:
    field = page.ways_in.hub.line.field
    field.setFocus()
    QTest.keyClicks(field, text)
    QTest.keyClick(field, Qt.Key.Key_Return)


@pytest.mark.parametrize(
    ("typed", "source"),
    [
        ("ana/garden", "ana/garden"),
        ("ana/garden@v2", "ana/garden@v2"),
        ("https://huggingface.co/ana/garden", "ana/garden"),
        ("https://huggingface.co/ana/garden/tree/v2", "ana/garden@v2"),
    ],
)
def test_a_name_or_a_link_is_received(
    page: AdaptersPage, launched: list[JobFolder], qtbot: QtBot, typed: str, source: str
) -> None:
    ask(page, typed)
    qtbot.waitUntil(lambda: len(launched) == 1)
    assert launched[0].spec() == protocol.ReceiveSpec(source=source, name="garden")
    assert page.ways_in.hub.line.field.text() == ""
    qtbot.waitUntil(lambda: f"Receiving “{source}”" in page.bar.text.text())
    launched[0].append(protocol.StageBegan(stage="downloading"))
    launched[0].append(
        protocol.Progress(done=3_000_000, total=12_000_000, unit="bytes", remaining_s=9.0)
    )
    qtbot.waitUntil(lambda: "Downloading it · 3 MB of 12 MB" in page.bar.text.text())
    assert (page.bar.progress.value(), page.bar.progress.maximum()) == (250_000, 1_000_000)
    page.bar.cancel.click()
    qtbot.waitUntil(launched[0].stop_requested)


def test_what_names_none_is_kept_and_explained(
    page: AdaptersPage, launched: list[JobFolder]
) -> None:
    ask(page, "https://huggingface.co/datasets/ana/garden")
    line = page.ways_in.hub.line
    assert "is a data set, not an adapter." in line.problem.text()
    assert line.field.text() == "https://huggingface.co/datasets/ana/garden"
    assert launched == []


def test_it_can_be_done_where_there_are_no_adapters_yet(
    services: Services, launched: list[JobFolder], qtbot: QtBot
) -> None:
    page = AdaptersPage(services)
    qtbot.addWidget(page)
    page.show()
    qtbot.waitUntil(page.ways_in.hub_first.isVisible)
    page.ways_in.hub_first.line.field.setText("ana/garden")
    page.ways_in.hub_first.line.go.click()
    qtbot.waitUntil(lambda: len(launched) == 1)


def test_a_private_one_asks_for_a_token_and_is_tried_again(
    page: AdaptersPage,
    launched: list[JobFolder],
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept: list[str] = []

    def keep(_: HubToken, token: str, done: Callable[[], object], __: object) -> None:
        kept.append(token)
        done()

    monkeypatch.setattr(HubToken, "keep", keep)
    ask(page, "ana/garden")
    qtbot.waitUntil(lambda: len(launched) == 1)
    launched[0].append(protocol.Failed(error=PRIVATE))
    hub = page.ways_in.hub
    qtbot.waitUntil(hub.token.isVisible)
    assert "it is private" in page.bar.text.text()
    assert "overnight" not in page.bar.text.text()
    assert hub.line.field.text() == "ana/garden"  # to mend it there
    hub.token.field.setText(SECRET)
    hub.token.use.click()
    assert kept == [SECRET]
    qtbot.waitUntil(lambda: len(launched) == 2)
    assert launched[1].spec() == launched[0].spec()
    assert not hub.token.isVisible()
    assert SECRET not in (launched[1].path / "spec.json").read_text()


@pytest.mark.parametrize("error", [OFFLINE, NO_TOKENIZER])
def test_where_no_token_helps_none_is_asked_for(
    page: AdaptersPage, launched: list[JobFolder], qtbot: QtBot, error: protocol.ErrorReport
) -> None:
    ask(page, "ana/garden")
    qtbot.waitUntil(lambda: len(launched) == 1)
    launched[0].append(protocol.Failed(error=error))
    qtbot.waitUntil(lambda: error.message in page.bar.text.text())
    assert error.hint in page.bar.text.text()
    assert not page.ways_in.hub.token.isVisible()


def drop(window: Window, data: QMimeData) -> bool:
    """Drag data over the window and let it go; whether the window wants it, and says so."""
    args = (
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    target = window.windowHandle()
    sign = window.findChild(DropSign)
    assert sign is not None
    QCoreApplication.sendEvent(target, QDragEnterEvent(QPoint(9, 9), *args))
    is_wanted = sign.isVisible() and "from the Hub" in sign.sentence.text()
    QCoreApplication.sendEvent(target, QDropEvent(QPointF(9, 9), *args))
    return is_wanted


def as_url(text: str) -> QMimeData:
    data = QMimeData()
    data.setUrls([QUrl(text)])
    return data


def as_text(text: str) -> QMimeData:
    data = QMimeData()
    data.setText(text)
    return data


@pytest.mark.parametrize("make", [as_url, as_text])
def test_a_link_dropped_on_the_page_is_received(
    window: Window, launched: list[JobFolder], qtbot: QtBot, make: Callable[[str], QMimeData]
) -> None:
    window.show_page("adapters")
    assert drop(window, make("https://huggingface.co/ana/garden"))
    qtbot.waitUntil(lambda: len(launched) == 1)
    assert launched[0].spec() == protocol.ReceiveSpec(source="ana/garden", name="garden")


def test_a_link_is_a_text_elsewhere_and_other_links_are_not_taken(
    window: Window, launched: list[JobFolder], qtbot: QtBot
) -> None:
    window.show_page("notes")
    assert not drop(window, as_url("https://huggingface.co/ana/garden"))
    window.show_page("adapters")
    assert not drop(window, as_url("https://example.org/ana/garden"))
    assert not drop(window, as_text("ana/garden"))
    assert drop(window, as_url("https://huggingface.co/datasets/ana/garden"))
    assert "is a data set" in window.notices.label.text()
    qtbot.wait(50)
    assert launched == []
