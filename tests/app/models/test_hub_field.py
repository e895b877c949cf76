"""Any other model of the Hub, by its name."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.models.hub_field import HubField
from app.models.page import ModelsPage
from mlx_backend import protocol
from mlx_backend.jobs import JobFolder
from tests.app.models.conftest import specs


def test_return_downloads_it_with_the_bits_that_are_wanted(
    page: ModelsPage, launched: list[JobFolder], qtbot: QtBot
) -> None:
    page.hub.details.button.click()
    page.hub.bits.setCurrentIndex(3)
    QTest.keyClicks(page.hub.line.field, "someone/Tiny-1B")
    QTest.keyClick(page.hub.line.field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: bool(launched))
    assert specs(launched) == [protocol.DownloadSpec(repo="someone/Tiny-1B", bits=4)]
    assert page.hub.line.field.text() == ""


def test_what_is_no_name_is_kept_and_explained(qtbot: QtBot) -> None:
    field = HubField()
    qtbot.addWidget(field)
    field.show()
    assert not field.line.go.isEnabled()
    QTest.keyClicks(field.line.field, "Tiny")
    with qtbot.assertNotEmitted(field.wanted):
        QTest.mouseClick(field.line.go, Qt.MouseButton.LeftButton)
    assert "OWNER/NAME" in field.line.problem.text()
    assert field.line.field.text() == "Tiny"
    QTest.keyClicks(field.line.field, "/x")
    assert not field.line.problem.isVisible()


def test_bits_wait_behind_details(qtbot: QtBot) -> None:
    field = HubField()
    qtbot.addWidget(field)
    field.show()
    assert not field.bits.isVisible()
    assert field.chosen_bits == 0
    field.details.button.click()
    assert field.bits.isVisible()
