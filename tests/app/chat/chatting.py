"""What a person does on the chat page, and what the library has of it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.chat.page import ChatPage
from app.services import Services
from mlx_backend.library import Library
from mlx_backend.library.conversations import Conversations, StoredTurn
from mlx_backend.library.database import opened


def ask(page: ChatPage, text: str) -> None:
    """Type a question, and send it."""
    page.input.set_text(text)
    QTest.keyClick(page.input, Qt.Key.Key_Return)


def settle(page: ChatPage, qtbot: QtBot) -> None:
    """Wait for the answer."""
    qtbot.waitUntil(lambda: bool(page.session.exchanges) and not page.session.is_busy)


def leave(page: ChatPage, services: Services, qtbot: QtBot) -> None:
    """What closing the window does, with the writing waited for."""
    page.flush()
    done: list[None] = []
    services.background.call(lambda _: None, done.append)
    qtbot.waitUntil(lambda: bool(done))


def stored(library: Library) -> list[StoredTurn]:
    """All turns of all conversations."""
    with opened(library.database) as db:
        conversations = Conversations(db)
        return [turn for one in conversations.all() for turn in conversations.turns(one.id)]
