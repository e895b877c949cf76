"""Any other model of the Hub, by its name."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.models.hub_field import HubField, split_name
from app.models.page import ModelsPage
from mlx_backend import protocol
from mlx_backend.jobs import JobFolder
from tests.app.models.conftest import specs


@pytest.mark.parametrize(
    ("typed", "repo", "revision"),
    [
        ("someone/Tiny-1B", "someone/Tiny-1B", "main"),
        (" someone/Tiny-1B@v2 ", "someone/Tiny-1B", "v2"),
        ("https://huggingface.co/someone/Tiny-1B", "someone/Tiny-1B", "main"),
        ("https://huggingface.co/someone/Tiny-1B/tree/v2", "someone/Tiny-1B", "v2"),
        ("https://huggingface.co/someone/Tiny-1B/blob/main/config.json", "someone/Tiny-1B", "main"),
        ("Tiny-1B", "", ""),
        ("a/b/c", "", ""),
        ("../../etc/passwd", "", ""),
        ("someone/..", "", ""),
        ("someone/Ti ny", "", ""),
        ("<b>/x", "", ""),
    ],
)
def test_a_name_or_the_address_of_a_page_is_understood(
    typed: str, repo: str, revision: str
) -> None:
    assert split_name(typed) == (repo, revision)


def test_return_downloads_it_with_the_bits_that_are_wanted(
    page: ModelsPage, launched: list[JobFolder], qtbot: QtBot
) -> None:
    page.hub.details.button.click()
    page.hub.bits.setCurrentIndex(3)
    QTest.keyClicks(page.hub.field, "someone/Tiny-1B")
    QTest.keyClick(page.hub.field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: bool(launched))
    assert specs(launched) == [protocol.DownloadSpec(repo="someone/Tiny-1B", bits=4)]
    assert page.hub.field.text() == ""


def test_what_is_no_name_is_kept_and_explained(qtbot: QtBot) -> None:
    field = HubField()
    qtbot.addWidget(field)
    field.show()
    assert not field.download.isEnabled()
    QTest.keyClicks(field.field, "Tiny")
    with qtbot.assertNotEmitted(field.wanted):
        QTest.mouseClick(field.download, Qt.MouseButton.LeftButton)
    assert "OWNER/NAME" in field.problem.text()
    assert field.field.text() == "Tiny"
    QTest.keyClicks(field.field, "/x")
    assert not field.problem.isVisible()


def test_bits_wait_behind_details(qtbot: QtBot) -> None:
    field = HubField()
    qtbot.addWidget(field)
    field.show()
    assert not field.bits.isVisible()
    assert field.chosen_bits == 0
    field.details.button.click()
    assert field.bits.isVisible()
