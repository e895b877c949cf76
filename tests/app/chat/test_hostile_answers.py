"""Answers can load nothing, and open nothing but a page of the web that a person chose to open."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices, QTextDocument
from PySide6.QtWidgets import QApplication, QMenu, QScrollArea
from pytestqt.qtbot import QtBot

from app.chat.answer_view import AnswerView
from app.chat.exchanges import ShownAnswer
from app.services import Services
from app.widgets.fitted_text import FittedText
from app.widgets.link_menu import offer_link
from app.widgets.markdown_document import is_web_address
from app.widgets.safe_markdown import MarkdownText
from tests.app.chat.hostile import ANSWERS, hostile_answers


@pytest.fixture
def trap(tmp_path: Path) -> Path:
    """Whoever opens it to read waits for ever."""
    path = tmp_path / "trap.png"
    os.mkfifo(path)
    return path


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was opened in another program."""
    addresses: list[str] = []

    def open_url(url: QUrl) -> bool:
        addresses.append(url.toString())
        return True

    monkeypatch.setattr(QDesktopServices, "openUrl", open_url)
    return addresses


@pytest.mark.timeout(200)
def test_two_hundred_hostile_answers(
    services: Services, qtbot: QtBot, trap: Path, opened: list[str]
) -> None:
    answers = hostile_answers(trap.as_uri())
    assert len(answers) == ANSWERS
    page = QScrollArea()
    page.setWidgetResizable(True)
    qtbot.addWidget(page)
    page.resize(700, 500)
    page.show()
    for text in answers:
        view = AnswerView(services.style)
        page.setWidget(view)
        view.show_answer(ShownAnswer("Notes", text))
        QApplication.processEvents()
        for part in view.findChildren(FittedText):
            resource = part.document().resource(
                QTextDocument.ResourceType.ImageResource, QUrl(trap.as_uri())
            )
            assert resource is not None  # else Qt has opened the file, and waits for ever
            assert "\N{OBJECT REPLACEMENT CHARACTER}" not in part.toPlainText()
            for address in links(part):
                assert is_web_address(address)
        click_all(view)
    assert opened == []


def links(part: FittedText) -> list[str]:
    found, block = [], part.document().begin()
    while block.isValid():
        iterator = block.begin()
        while not iterator.atEnd():
            href = iterator.fragment().charFormat().anchorHref()
            found += [href] if href else []
            iterator += 1
        block = block.next()
    return found


def click_all(view: AnswerView) -> None:
    for part in view.findChildren(MarkdownText):
        for address in links(part):
            part.anchorClicked.emit(QUrl(address))
            for menu in view.findChildren(QMenu):
                menu.close()


def test_a_link_opens_when_that_is_chosen_and_shows_where_it_leads(
    services: Services, qtbot: QtBot, opened: list[str]
) -> None:
    view = AnswerView(services.style)
    qtbot.addWidget(view)
    menu = offer_link(view, QUrl("https://bank.example@evil.example/\u202ex?a=1&b=2"))
    assert menu is not None
    shown, _, leave, copy = menu.actions()
    assert "https://evil.example/%E2%80%AEx?a=1&&b=2" in shown.text()
    assert "bank.example" not in shown.text()
    assert not shown.isEnabled()
    assert opened == []
    leave.trigger()
    assert len(opened) == 1
    copy.trigger()
    assert QApplication.clipboard().text().startswith("https://bank.example@evil.example/")
    menu.close()


@pytest.mark.parametrize(
    "address",
    [
        "file:///etc/passwd",
        "javascript:alert(1)",
        "http://",
        "https:/x",
        "//host/x",
        "data:text/html,x",
        " https://x",
        "smb://host/x",
        "",
    ],
)
def test_only_pages_of_the_web_are_offered(services: Services, qtbot: QtBot, address: str) -> None:
    view = AnswerView(services.style)
    qtbot.addWidget(view)
    assert offer_link(view, QUrl(address)) is None


def test_a_link_that_looks_like_another_address_says_so(services: Services, qtbot: QtBot) -> None:
    view = AnswerView(services.style)
    qtbot.addWidget(view)
    view.show_answer(
        ShownAnswer(None, "[bank.example](https://evil.example/) and [this](https://x.example)")
    )
    assert "bank.example (https://evil.example/) and this" in view.body.toPlainText()
