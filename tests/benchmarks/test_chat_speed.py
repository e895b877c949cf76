"""Whether the window's thread stalls while an answer streams into a long conversation."""

from __future__ import annotations

import functools
import time
import typing
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.chat.page import ChatPage
from app.jobs.chat_worker import ChatWorker
from app.services import make_services
from mlx_backend.library import Library
from mlx_backend.library.conversations import Conversations, ConversationSettings, StoredTurn
from mlx_backend.library.database import opened, transaction
from tests.app.chat.chatting import ask, settle
from tests.app.recorded import STAND_IN_WORKER
from tests.benchmarks.stalls import StallMeter

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(900)]

_EXCHANGES = 500
_ANSWER = (
    "The **engine** warms up for 12 minutes:\n\n1. Open the valve.\n2. Say a kind word.\n\n"
    "| Part | Cost |\n|---|---:|\n| Pump | 12.50 |\n\n```python\nprint(2.4 + 1.1)\n```\n\n" * 2
)


@pytest.fixture
def long_talk(library: Library) -> int:
    with opened(library.database) as db:
        talks = Conversations(db)
        number, parent = talks.begin_as(
            StoredTurn("user", "Question 0", None, parent=0), ConversationSettings()
        )
        with transaction(db):
            for count in range(1, _EXCHANGES):
                talks._append(number, StoredTurn("assistant", _ANSWER, None, parent=parent))
                question = StoredTurn("user", f"Question {count}", None, parent=parent)
                parent = talks._append(number, question)
            talks._append(number, StoredTurn("assistant", _ANSWER, None, parent=parent))
    return number


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library.open(tmp_path / "library")


@pytest.fixture
def page(
    library: Library, long_talk: int, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ChatPage]:
    worker = functools.partial(ChatWorker, command=STAND_IN_WORKER)
    monkeypatch.setattr("app.services.ChatWorker", worker)
    services = make_services(library, typing.cast(QApplication, QApplication.instance()))
    page = ChatPage(services)
    qtbot.addWidget(page)
    page.resize(1000, 700)
    page.show()
    page.session.open(long_talk)
    qtbot.waitUntil(lambda: len(page.session.exchanges) == _EXCHANGES, timeout=60_000)
    qtbot.waitUntil(lambda: len(page.transcript.views) >= 30, timeout=60_000)
    qtbot.wait(1000)
    yield page
    services.close()


def test_stalls_while_an_answer_streams(page: ChatPage, qtbot: QtBot) -> None:
    keys: list[float] = []
    ask(page, "slowly")
    with StallMeter() as meter:
        while page.session.is_busy:
            began = time.perf_counter()
            QTest.keyClick(page.input, Qt.Key.Key_X)
            QApplication.processEvents()
            keys.append((time.perf_counter() - began) * 1000)
            qtbot.wait(30)
    print(f"\nstreaming into {2 * _EXCHANGES} messages: {meter.describe()}")
    print(f"a key takes {sorted(keys)[len(keys) // 2]:.1f} ms, at most {max(keys):.1f} ms")
    assert meter.busiest_ms < 50


def test_memory_over_many_answers(page: ChatPage, qtbot: QtBot) -> None:
    process, sizes = psutil.Process(), []
    for number in range(200):
        ask(page, f"repeat: {_ANSWER} {number}")
        settle(page, qtbot)
        if number % 40 == 39:
            sizes.append(process.memory_info().rss / 1e6)
    print(f"\nmemory after each 40 answers: {', '.join(f'{size:.0f} MB' for size in sizes)}")
    assert sizes[-1] < sizes[1] * 1.15
