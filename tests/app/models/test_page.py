"""What a person sees of the models that are there and of those that they can get."""

from __future__ import annotations

import socket

import pytest
from PySide6.QtCore import Qt, QUrl
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from app.models.offer_row import OfferRow
from app.models.offers import Offer
from app.models.page import ModelsPage
from app.models.to_download import read_offers
from app.services import Services
from mlx_backend import protocol
from mlx_backend.catalogue.entries import entries
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.jobs import JobFolder
from mlx_backend.library import Library
from mlx_backend.library.abilities import Quantised
from mlx_backend.library.this_machine import Machine
from tests.app.filled import add_adapter, add_model
from tests.app.models.conftest import GRANITE, MAC, JobMaker, progress, specs
from tests.mlx_backend.abilities import READS


def words_of(row: OfferRow) -> str:
    return " ".join(label.text() for label in row.findChildren(QLabel) if not label.isHidden())


def show_all(page: ModelsPage, qtbot: QtBot) -> None:
    page.catalogue.more.click()
    qtbot.waitUntil(lambda: len(page.catalogue.rows) == len(entries()))


def test_the_model_for_this_computer_is_first_and_has_the_one_filled_button(
    page: ModelsPage,
) -> None:
    first, *others = page.catalogue.rows.values()
    assert first.offer.title == "Qwen3 4B"
    assert "its 16 GB of memory" in page.catalogue.advice.text()
    assert first.get.property("kind") == "primary"
    assert {row.get.property("kind") for row in others} == {"plain"}
    said = words_of(first)
    for words in ("2.3 GB", "English", "Apache 2.0", "Fits: "):
        assert words in said


@pytest.mark.parametrize(
    ("gigabytes", "title"), [(8, "Qwen3 1.7B"), (16, "Qwen3 4B"), (64, "Qwen3 8B")]
)
def test_what_is_recommended_depends_on_the_memory(gigabytes: int, title: str) -> None:
    recommended = read_offers(Machine(gigabytes << 30, has_gpu=True)).recommended
    assert recommended is not None
    assert recommended.title == title


def test_where_nothing_fits_the_page_says_what_does() -> None:
    offers = read_offers(Machine(1 << 30, has_gpu=False))
    assert offers.recommended is None
    assert "the starter can" in offers.advice
    assert not any(offer.is_fitting for offer in offers.others)


def test_what_is_too_large_says_so_before_the_download_and_what_would_fit() -> None:
    offers = read_offers(Machine(8 << 30, has_gpu=False))
    large = next(offer for offer in offers.others if offer.title == "Qwen3 8B")
    assert not large.is_fitting
    assert "Too large" in large.fit
    assert "would fit" in large.fit
    assert offers.others.index(large) > 0, "what fits comes first"


def test_download_starts_a_job_at_the_pinned_revision(
    page: ModelsPage, launched: list[JobFolder], qtbot: QtBot
) -> None:
    first = next(iter(page.catalogue.rows.values()))
    page.activateWindow()
    first.get.setFocus()
    QTest.keyClick(first.get, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: bool(page.under_way.rows))
    assert page.under_way.row_of(launched[0].id).pause.hasFocus(), "and not the next Download"
    (spec,) = specs(launched)
    assert isinstance(spec, protocol.DownloadSpec)
    assert spec.repo == "mlx-community/Qwen3-4B-Instruct-2507-4bit"
    assert len(spec.revision) == 40
    assert first.state.text() == "On the way"
    assert not first.get.isVisible()


def test_a_double_click_on_download_begins_one_job(
    page: ModelsPage, launched: list[JobFolder], qtbot: QtBot
) -> None:
    first = next(iter(page.catalogue.rows.values()))
    QTest.mouseClick(first.get, Qt.MouseButton.LeftButton)
    QTest.mouseDClick(first.get, Qt.MouseButton.LeftButton)
    for _ in range(2):
        page.hub.wanted.emit("someone/Model", "main", 4)
    qtbot.waitUntil(lambda: len(page.under_way.rows) == 2)
    qtbot.wait(50)
    assert len(launched) == 2
    assert len(set(specs(launched))) == 2


def test_one_that_could_not_be_started_can_be_begun_again(
    page: ModelsPage, launched: list[JobFolder], qtbot: QtBot, services: Services
) -> None:
    first = next(iter(page.catalogue.rows.values()))
    first.get.click()
    (begun,) = services.model_jobs._begun
    services.watcher.start_failed.emit(begun, OvernightError(ErrorKind.INTERNAL, "No."))
    first.get.click()
    qtbot.waitUntil(lambda: len(launched) == 2)


def test_a_download_goes_on_where_an_earlier_one_was_left(
    page: ModelsPage, make_job: JobMaker, launched: list[JobFolder], qtbot: QtBot
) -> None:
    left = make_job(progress(), protocol.Stopped())
    qtbot.waitUntil(lambda: len(page.under_way.rows) == 1)
    page.catalogue.download_wanted.emit(
        Offer(GRANITE.repo, "Granite", "", "", revision=GRANITE.revision)
    )
    qtbot.waitUntil(lambda: bool(launched))
    assert [folder.id for folder in launched] == [left.id]


def test_the_catalogue_needs_no_connection(
    services: Services, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("offline")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    page = ModelsPage(services)
    qtbot.addWidget(page)
    page.show()
    qtbot.waitUntil(lambda: bool(page.catalogue.rows))
    show_all(page, qtbot)


def test_a_licence_that_is_not_open_source_is_named_with_a_link(
    page: ModelsPage, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    opened: list[QUrl] = []
    monkeypatch.setattr("app.models.offer_row.QDesktopServices.openUrl", opened.append)
    show_all(page, qtbot)
    gemma = next(row for row in page.catalogue.rows.values() if row.offer.title == "Gemma 3 4B")
    assert "Not open source: Gemma Terms of Use" in words_of(gemma)
    gemma.read.click()
    assert opened == [QUrl("https://ai.google.dev/gemma/terms")]


def test_all_of_the_catalogue_is_one_click_away(page: ModelsPage, qtbot: QtBot) -> None:
    assert len(page.catalogue.rows) == 5
    show_all(page, qtbot)
    assert not page.catalogue.more.isVisible()
    assert page.catalogue.list.rows == list(page.catalogue.rows.values())


@pytest.mark.parametrize("hostile", ["<img src=x onerror=1>", "<b>bold</b> & <a href='x'>y</a>"])
def test_titles_and_licences_of_others_stay_plain_text(qtbot: QtBot, hostile: str) -> None:
    offer = Offer(
        "a/b", hostile, hostile, hostile, good_for=hostile, licence=hostile, licence_link=hostile
    )
    row = OfferRow(offer, "Add")
    qtbot.addWidget(row)
    for label in row.findChildren(QLabel):
        assert label.textFormat() is Qt.TextFormat.PlainText


def test_a_link_of_a_card_opens_no_program(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[QUrl] = []
    monkeypatch.setattr("app.models.offer_row.QDesktopServices.openUrl", opened.append)
    offer = Offer("a/b", "T", "", "", licence="Own", licence_link="file:///bin/sh")
    row = OfferRow(offer, "Add")
    qtbot.addWidget(row)
    row.read.click()
    assert opened == []


def test_a_model_says_what_it_does_with_notes_and_what_smaller_weights_cost(
    library: Library, page: ModelsPage, qtbot: QtBot
) -> None:
    cost = Quantised(
        bits=4,
        asked=100,
        right_before=71,
        right_after=69,
        perplexity_before=6.0,
        perplexity_after=6.4,
    )
    add_model(library, "Reader", 1_000_000, READS, cost)
    add_model(library, "Quoter", 1_000_000)
    page.refresh()
    qtbot.waitUntil(lambda: len(page.names) == 3)
    described = page.button_of("Reader").accessibleDescription()
    assert "Reads your notes and answers in its own words" in described
    assert "to 4 bits: 69 of 100 general questions right, before 71" in described
    assert "Reads your notes" not in page.button_of("Quoter").accessibleDescription()


def test_a_model_from_before_there_were_trials_is_tried_where_it_is(
    library: Library, page: ModelsPage, launched: list[JobFolder], qtbot: QtBot
) -> None:
    add_model(library, "Old", 1_000_000)
    add_model(library, "Tried", 1_000_000, READS)
    page.refresh()
    qtbot.waitUntil(lambda: len(page.names) == 3)
    assert "Not tried yet" in page.button_of("Old").accessibleDescription()
    for name in ("Tried", "starter"):
        assert "Not tried" not in page.button_of(name).accessibleDescription()
        with pytest.raises(KeyError):
            page.models.trial_of(name)
    trial = page.models.trial_of("Old")
    trial.click()
    qtbot.waitUntil(lambda: not trial.isVisible())
    assert specs(launched) == [protocol.AdoptSpec(path=str(library.models / "Old"))]


def test_deleting_a_model_names_the_adapters_that_need_it(
    library: Library, page: ModelsPage, services: Services, qtbot: QtBot
) -> None:
    add_model(library, "Qwen3 4B", 1_000_000)
    add_adapter(library, "Work", base="Qwen3 4B")
    add_adapter(library, "Garden", base="Qwen3 4B")
    page.refresh()
    qtbot.waitUntil(lambda: "Qwen3 4B" in page.names)
    choice = page.button_of("Qwen3 4B")
    choice.setFocus()
    QTest.keyClick(choice, Qt.Key.Key_Delete)
    qtbot.waitUntil(page.undo_bar.isVisible)
    said = page.undo_bar.label.text()
    assert said.startswith("Deleted “Qwen3 4B”.")
    assert "“Work”" in said
    assert "“Garden”" in said
    assert "need it: they stay, but cannot answer until it is back." in said
    qtbot.waitUntil(lambda: len(page.missing.rows) == 1)
    page.undo_bar.button.click()
    qtbot.waitUntil(lambda: "Qwen3 4B" in page.names)
    qtbot.waitUntil(lambda: not page.missing.rows)


def test_a_model_that_is_missing_comes_back_from_the_bin(
    library: Library, page: ModelsPage, services: Services, qtbot: QtBot
) -> None:
    add_model(library, "Qwen3 4B", 1_000_000)
    add_adapter(library, "Work", base="Qwen3 4B")
    services.deletions.delete("model", ["Qwen3 4B"], "Qwen3 4B")
    qtbot.waitUntil(lambda: len(page.missing.rows) == 1)
    page.missing.restore_wanted.emit(page._found.missing[0])
    qtbot.waitUntil(lambda: "Qwen3 4B" in page.names)


def test_a_missing_model_of_the_catalogue_is_downloaded_again(
    library: Library, page: ModelsPage, launched: list[JobFolder], qtbot: QtBot
) -> None:
    add_adapter(library, "Work", base="granite-4.1-3b-4bit")
    page.refresh()
    qtbot.waitUntil(lambda: len(page.missing.rows) == 1)
    page.missing.download_wanted.emit(page._found.missing[0])
    qtbot.waitUntil(lambda: bool(launched))
    assert specs(launched) == [GRANITE]


def test_what_is_in_the_library_is_not_offered_again(
    library: Library, page: ModelsPage, qtbot: QtBot
) -> None:
    repo = next(iter(page.catalogue.rows))
    add_model(library, "Qwen3 4B", 1_000_000, source=f"{repo}@0123")
    page.refresh()
    qtbot.waitUntil(lambda: page.catalogue.rows[repo].state.text() == "In your library")
    assert not page.catalogue.rows[repo].get.isVisible()


def test_a_mac_of_16_gb_is_not_told_of_what_it_lacks() -> None:
    offers = read_offers(MAC)
    assert offers.recommended is not None
    assert offers.recommended.is_fitting
    assert all(offer.facts for offer in offers.others)
