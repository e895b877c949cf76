"""The page Settings, made as the window makes it."""

from __future__ import annotations

import pytest
from pytestqt.qtbot import QtBot

from app.services import Services
from app.settings.page import SettingsPage


@pytest.fixture
def page(services: Services, qtbot: QtBot) -> SettingsPage:
    page = SettingsPage(
        services.preferences,
        services.library.home,
        services.background,
        services.history,
        services.server,
    )
    qtbot.addWidget(page)
    page.show()
    return page
