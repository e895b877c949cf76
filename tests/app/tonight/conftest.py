"""What tests of the Tonight page share."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pytestqt.qtbot import QtBot

from app.services import Services
from app.tonight.page import TonightPage


@pytest.fixture
def make_page(stand_ins: None, services: Services, qtbot: QtBot) -> Callable[[], TonightPage]:
    """Makes the page, as often as a window is opened."""

    def make() -> TonightPage:
        page = TonightPage(services)
        qtbot.addWidget(page)
        page.resize(900, 700)
        page.show()
        return page

    return make
