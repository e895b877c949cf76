from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QUrl
from PySide6.QtGui import QImage, QTextDocument
from pytestqt.qtbot import QtBot

from app.widgets.safe_markdown import SafeMarkdown


@pytest.fixture
def view(qtbot: QtBot) -> SafeMarkdown:
    view = SafeMarkdown()
    qtbot.addWidget(view)
    view.resize(500, 100)
    view.show()
    return view


def test_markdown_is_shown(view: SafeMarkdown) -> None:
    view.show_markdown("# Title\n\n**bold** and `code`\n\n1. one\n2. two")
    assert view.toPlainText() == "Title\nbold and code\none\ntwo"


def test_html_and_pictures_are_words(view: SafeMarkdown, tmp_path: Path) -> None:
    picture = tmp_path / "picture.png"
    QImage(40, 4000, QImage.Format.Format_RGB32).save(str(picture))
    url = QUrl.fromLocalFile(str(picture)).toString()
    view.show_markdown(f"![alt]({url}) <img src='{url}'> <b>bold</b>")
    assert "<img" not in view.document().toHtml()
    assert f"[picture: {url}]" in view.toPlainText()
    assert "<b>bold</b>" in view.toPlainText()
    assert view.height() < 100


def test_links_are_words_with_their_target(view: SafeMarkdown) -> None:
    view.show_markdown("[harmless](https://example.org/x) and <https://example.org>")
    assert view.toPlainText() == "harmless (https://example.org/x) and https://example.org"
    assert "href" not in view.document().toHtml()
    assert not view.openLinks()


def test_nothing_is_fetched(view: SafeMarkdown) -> None:
    for kind in QTextDocument.ResourceType:
        assert view.loadResource(kind.value, QUrl("file:///etc/passwd")) is None


def test_it_is_as_tall_as_its_text(view: SafeMarkdown, qtbot: QtBot) -> None:
    view.show_markdown("word " * 200)
    tall = view.height()
    view.resize(1000, tall)
    qtbot.waitUntil(lambda: view.height() < tall)


STRANGE: list[Callable[[], str]] = [
    lambda: "x" * 100_000,
    lambda: ">" * 5000,
    lambda: "- " * 5000,
    lambda: "\n".join("  " * depth + "- a" for depth in range(500)),
    lambda: "![a](b) " * 4000,
    lambda: "[a](b) " * 4000,
    lambda: "*_" * 20_000,
    lambda: "[" * 20_000,
    lambda: "\n" * 50_000,
    lambda: "a\n\n" * 50_000,
    lambda: "a|" * 3000 + "\n" + "-|" * 3000 + "\n",
    lambda: "NUL \0 and \u202e marks",
]


@pytest.mark.parametrize("make", STRANGE)
@pytest.mark.timeout(5)
def test_strange_text_is_shown_somehow(view: SafeMarkdown, make: Callable[[], str]) -> None:
    view.show_markdown(make())
    assert "\0" not in view.toPlainText()
    assert view.height() < 60_000
