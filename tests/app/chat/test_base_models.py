"""Base models that answer in the chat, and adapters whose base model is gone."""

from __future__ import annotations

import pytest
from pytestqt.qtbot import QtBot

from app.chat.page import ChatPage
from app.services import Services
from mlx_backend.library import Library
from tests.app.chat.chatting import ask, leave, settle
from tests.app.filled import add_adapter, add_model
from tests.app.recorded import ChatMaker


def names(page: ChatPage) -> list[str]:
    return [page.answerer.menu.itemText(place) for place in range(page.answerer.menu.count())]


def choose(page: ChatPage, name: str) -> None:
    place = names(page).index(name)
    page.answerer.menu.setCurrentIndex(place)
    page.answerer.menu.activated.emit(place)


@pytest.fixture
def page(make_chat: ChatMaker, library: Library, qtbot: QtBot) -> ChatPage:
    add_adapter(library, "Notes")
    add_model(library, "Qwen", 1_000_000)
    page = make_chat()
    qtbot.waitUntil(lambda: page.answerer.menu.count() == 4)
    return page


def test_base_models_are_offered_below_the_adapters(page: ChatPage) -> None:
    assert names(page) == ["Notes", "", "Starter", "Qwen"]


def test_the_base_model_that_is_chosen_answers(page: ChatPage, qtbot: QtBot) -> None:
    choose(page, "Qwen")
    ask(page, "Hello")
    settle(page, qtbot)
    assert page.session.exchanges[0].answers[0].text == "base Qwen heard 1 turns: Hello"
    view = page.transcript.views[-1].answers[None]
    assert view.name.text() == "Base model: Qwen"
    assert view.body.accessibleName() == "Answer of Base model: Qwen"


def test_an_answer_of_another_base_model_is_headed_by_its_name(
    page: ChatPage, services: Services, make_chat: ChatMaker, qtbot: QtBot
) -> None:
    choose(page, "Qwen")
    ask(page, "Hello")
    settle(page, qtbot)
    choose(page, "Starter")
    page.transcript.retry_wanted.emit(len(page.session.exchanges) - 1)
    settle(page, qtbot)
    qtbot.waitUntil(
        lambda: page.transcript.views[-1].answers[None].name.text() == "Base model: Starter"
    )
    leave(page, services, qtbot)
    again = make_chat()
    qtbot.waitUntil(lambda: bool(again.transcript.views))
    assert again.transcript.views[-1].answers[None].name.text() == "Base model"


def test_the_choice_of_a_base_model_is_remembered(
    page: ChatPage, make_chat: ChatMaker, services: Services, qtbot: QtBot
) -> None:
    choose(page, "Qwen")
    leave(page, services, qtbot)
    again = make_chat()
    qtbot.waitUntil(lambda: again.answerer.chosen.model == "Qwen")
    assert again.answerer.chosen.adapter is None


def test_without_a_choice_it_is_the_base_model_of_tonight(
    make_chat: ChatMaker, library: Library, services: Services, qtbot: QtBot
) -> None:
    add_model(library, "Qwen", 1_000_000)
    services.preferences.change(base_model="Qwen")
    page = make_chat()
    qtbot.waitUntil(lambda: page.answerer.menu.count() == 2)
    assert page.answerer.chosen.model == "Qwen"


def test_an_adapter_without_its_base_model_says_so_and_asks_nothing(
    make_chat: ChatMaker, library: Library, qtbot: QtBot
) -> None:
    add_adapter(library, "Work", base="Gone")
    page = make_chat()
    qtbot.waitUntil(page.notice.isVisible)
    said = page.notice.text()
    assert said == "“Work” needs the base model “Gone”, which is not in the library."
    ask(page, "Hello")
    assert page.session.exchanges == ()
    assert page.input.text() == "Hello", "what was typed stays"
    assert not page.send.isEnabled()
    with qtbot.waitSignal(page.models_wanted):
        page.foot.way_out.click()


def test_a_base_model_comes_back_from_the_bin_where_it_is_missed(
    make_chat: ChatMaker, library: Library, services: Services, qtbot: QtBot
) -> None:
    add_model(library, "Qwen", 1_000_000)
    add_adapter(library, "Work", base="Qwen")
    page = make_chat()
    services.deletions.delete("model", ["Qwen"], "Qwen")
    qtbot.waitUntil(page.foot.way_out.isVisible)
    assert page.foot.way_out.text() == "Restore It"
    assert page.notice.text() == "“Work” needs the base model “Qwen”, which is in the bin."
    page.foot.way_out.click()
    qtbot.waitUntil(lambda: not page.foot.way_out.isVisible())
    ask(page, "Hello")
    settle(page, qtbot)
    assert page.session.exchanges[0].answers[0].text.startswith("Work heard")
