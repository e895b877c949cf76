"""A night may go on from an adapter instead of starting fresh."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from pytestqt.qtbot import QtBot

from app.services import Services
from app.shell.window import Window
from app.tonight.page import TonightPage
from app.tonight.plan_story import replayed
from app.tonight.start_menu import beginnings
from mlx_backend.jobs import JobFolder
from mlx_backend.library import Library
from mlx_backend.library.adapters import Origin
from mlx_backend.library.models import list_models
from mlx_backend.protocol import TrainSpec
from tests.app.adapters.made import add_with, parent
from tests.app.filled import add_model, add_notes

PageMaker = Callable[[], TonightPage]
FRESH = "A fresh adapter"
THEIRS = Origin(received=time.time(), form="bundle", place="garden.overnight")


def sha_of(library: Library, name: str) -> str:
    return next(m.card.sha256 for m in list_models(library.models) if m.card.name == name)


@pytest.fixture
def two_bases(library: Library) -> Library:
    """Notes, two base models, and three adapters: two of one of them, one of the other."""
    add_notes(library)
    for name in ("Oak", "Pine"):
        add_model(library, name, 1_000_000 if name == "Oak" else 2_000_000)
    oak, pine = (sha_of(library, name) for name in ("Oak", "Pine"))
    add_with(library, "First", 300, base="Oak", base_sha256=oak, run="1")
    add_with(library, "Second", 200, base="Oak", base_sha256=oak, parents=(parent("First"),))
    add_with(library, "Other", 100, base="Pine", base_sha256=pine)
    add_with(library, "Lost", 50, base="Elm", base_sha256="gone")
    return library


@pytest.fixture
def page(two_bases: Library, make_page: PageMaker, services: Services, qtbot: QtBot) -> TonightPage:
    services.preferences.change(base_model="Oak")
    page = make_page()
    qtbot.waitUntil(lambda: page.plan.plan is not None)
    return page


def offered(page: TonightPage) -> list[tuple[str, bool]]:
    menu = page.plan.begin
    flags = [menu.model().index(place, 0).flags() for place in range(menu.count())]
    words = [menu.itemText(place).strip("\u2068\u2069") for place in range(menu.count())]
    return [(word, bool(flag.value & 32)) for word, flag in zip(words, flags, strict=True)]


def choose(page: TonightPage, name: str) -> None:
    menu = page.plan.begin
    place = [word for word, _ in offered(page)].index(name)
    menu.setCurrentIndex(place)
    menu.activated.emit(place)


def test_it_starts_fresh_unless_another_is_chosen(
    page: TonightPage, launched: list[JobFolder], qtbot: QtBot
) -> None:
    assert page.plan.begin.currentText().strip("\u2068\u2069") == FRESH
    assert page.plan.sentence.text().startswith("Tonight I will study")
    assert not page.plan.replayed.isVisible()
    page.plan.start.click()
    qtbot.waitUntil(lambda: len(launched) == 1)
    spec = launched[0].spec()
    assert isinstance(spec, TrainSpec)
    assert (spec.start_from, spec.start_from_id) == (None, "")


def test_those_of_another_base_model_say_why_not(page: TonightPage) -> None:
    assert offered(page) == [
        (FRESH, True),
        ("Second", True),
        ("First", True),
        ("Lost (Elm is missing)", False),
        ("Other (trained on Pine)", False),
    ]


def test_the_night_goes_on_from_the_one_that_is_chosen(
    page: TonightPage, services: Services, launched: list[JobFolder], qtbot: QtBot
) -> None:
    with qtbot.waitSignal(services.planner.planned) as planned:
        choose(page, "First")
    assert planned.args[0].start_from == "First"
    qtbot.waitUntil(lambda: page.plan.plan is not None)
    assert page.plan.sentence.text().startswith("Tonight I will go on from “First” and study")
    assert "all your notes are practised again" in page.plan.replayed.text()
    page.plan.start.click()
    qtbot.waitUntil(lambda: len(launched) == 1)
    spec = launched[0].spec()
    assert isinstance(spec, TrainSpec)
    assert (spec.start_from, spec.start_from_id, spec.model) == ("First", "First id", "Oak")


def test_another_base_model_starts_fresh_again(
    page: TonightPage, services: Services, qtbot: QtBot
) -> None:
    choose(page, "First")
    services.preferences.change(base_model="Pine")
    qtbot.waitUntil(lambda: page.plan.plan is not None)
    assert page.plan.begin.currentText().strip("\u2068\u2069") == FRESH
    assert page.plan.sentence.text().startswith("Tonight I will study")
    assert ("Other", True) in offered(page)


def test_the_page_of_an_adapter_leads_there_with_its_base_model(
    two_bases: Library,
    stand_ins: None,
    window: Window,
    services: Services,
    launched: list[JobFolder],
    qtbot: QtBot,
) -> None:
    services.preferences.change(base_model="Oak")
    window.show_page("adapters")
    adapters = window.page("adapters")
    adapters.choose("Other")  # type: ignore[attr-defined]
    detail = adapters.detail  # type: ignore[attr-defined]
    qtbot.waitUntil(lambda: detail.title.text() == "Other")
    detail.go_on.click()
    assert window.page_shown == "tonight"
    page = window.page("tonight")
    assert isinstance(page, TonightPage)
    qtbot.waitUntil(lambda: "go on from “Other”" in page.plan.sentence.text())
    assert page.plan.base.currentText().strip("\u2068\u2069").startswith("Pine")
    assert services.preferences.settings.base_model == "Oak", "that is for all nights"
    window.show_page("adapters")
    adapters.choose("Lost")  # type: ignore[attr-defined]
    qtbot.waitUntil(lambda: detail.title.text() == "Lost")
    assert not detail.go_on.isEnabled()
    window.show_page("tonight")
    qtbot.waitUntil(lambda: page.plan.plan is not None)
    page.plan.start.click()
    qtbot.waitUntil(lambda: len(launched) == 1)
    spec = launched[0].spec()
    assert isinstance(spec, TrainSpec)
    assert (spec.start_from_id, spec.model) == ("Other id", "Pine")


def test_the_night_keeps_to_a_base_model_that_is_chosen_after_all(
    page: TonightPage, services: Services, qtbot: QtBot
) -> None:
    page.go_on_from("Other id")
    qtbot.waitUntil(lambda: "go on from “Other”" in page.plan.sentence.text())
    page.plan.base_wanted.emit("Oak")
    qtbot.waitUntil(lambda: page.plan.sentence.text().startswith("Tonight I will study"))
    assert page.plan.begin.currentText().strip("\u2068\u2069") == FRESH


def test_one_that_is_not_there_is_not_gone_on_from_when_it_comes_later(
    two_bases: Library, page: TonightPage, services: Services, qtbot: QtBot
) -> None:
    page.go_on_from("New")
    looked: list[object] = []
    services.background.call(lambda _: None, looked.append)
    qtbot.waitUntil(lambda: bool(looked))
    add_with(two_bases, "New", id="New", base="Pine", base_sha256=sha_of(two_bases, "Pine"))
    page.refresh()
    qtbot.waitUntil(lambda: any(word.startswith("New ") for word, _ in offered(page)))
    assert services.preferences.settings.base_model == "Oak"
    assert page.plan.begin.currentText().strip("\u2068\u2069") == FRESH


def test_what_is_practised_again_is_told(library: Library) -> None:
    add_with(library, "Own", run="1")
    add_with(library, "Theirs", origin=THEIRS)
    add_with(library, "Merged", run="", parents=(parent("Own"), parent("Own")))
    add_with(library, "Mixed", parents=(parent("Own"), parent("Theirs")))
    add_with(library, "Later", run="2", parents=(parent("Mixed"),))
    told = {each.name: replayed(each) for each in beginnings(library)}
    assert "practised again" in told["Own"]
    assert "by heart comes less often" in told["Own"]
    assert "practised again" in told["Merged"]
    assert "by heart" not in told["Merged"]
    for name in ("Theirs", "Mixed", "Later"):
        assert f"What “{name}” learned elsewhere is not among them" in told[name]
