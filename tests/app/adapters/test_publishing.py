"""An adapter is published from the window: what is asked, how it goes, what holds it back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.adapters.page import AdaptersPage
from app.adapters.publish_part import PublishPart
from app.jobs import publication_story
from app.jobs.hub_token import HubToken
from app.services import Services
from mlx_backend import protocol
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.jobs import JobFolder
from mlx_backend.library import Library
from mlx_backend.library.adapters import Adapter, read_adapter
from mlx_backend.library.database import opened
from mlx_backend.library.note_browsing import Browsing
from mlx_backend.locks import held
from mlx_backend.models.hub import upload_refusals
from mlx_backend.models.hub.access import Access
from mlx_backend.private_data.masked_errors import report_of
from tests.app.adapters.sharing import (
    ADDRESS,
    PAGE_ID,
    held_back,
    publish_spec,
    published,
    record,
)
from tests.app.filled import add_adapter, add_model, add_notes

Opened = Callable[[], PublishPart]


@pytest.fixture
def adapter(library: Library) -> Adapter:
    add_adapter(library, "Küste & Meer")
    add_adapter(library, "Older", age_s=86_400)
    return read_adapter(library.adapters, "Küste & Meer")


@pytest.fixture
def page(services: Services, adapter: Adapter, qtbot: QtBot) -> AdaptersPage:
    page = AdaptersPage(services)
    qtbot.addWidget(page)
    page.resize(900, 800)
    page.show()
    qtbot.waitUntil(lambda: page.detail.title.text() == adapter.name)
    return page


@pytest.fixture
def part(page: AdaptersPage) -> PublishPart:
    return page.sharing.publishing


def failed(error: OvernightError) -> protocol.Failed:
    return protocol.Failed(error=report_of(error))


def end(folder: JobFolder, event: protocol.JobEvent) -> None:
    folder.append(event)
    (folder.path / "lock").touch()  # as a process leaves it


def spec_of(folder: JobFolder) -> protocol.PublishSpec:
    spec = folder.spec()
    assert isinstance(spec, protocol.PublishSpec)
    return spec


def test_a_first_publication_is_private_and_under_a_name_that_the_hub_allows(
    part: PublishPart, adapter: Adapter, launched: list[JobFolder], qtbot: QtBot
) -> None:
    assert part.isHidden()
    part.open.setFocus()
    QTest.keyClick(part.open, Qt.Key.Key_Space)
    assert part.form.repository.hasFocus()
    assert part.form.repository.text() == "Kuste-Meer"
    assert part.form.description.toPlainText() == ""
    QTest.keyClick(part.form.repository, Qt.Key.Key_Tab)
    QTest.keyClicks(part.form.description, "My walks.")
    assert part.form.publish.text() == "Publish"
    part.form.publish.click()
    assert part.told.text() == "Beginning…"
    assert part.form.isHidden()
    assert not part.open.isEnabled()
    qtbot.waitUntil(lambda: len(launched) == 1)
    assert spec_of(launched[0]) == protocol.PublishSpec(
        name=adapter.name, adapter=adapter.card.id, repo="Kuste-Meer", description="My walks."
    )


def test_a_name_that_cannot_be_is_said_beside_the_field(
    part: PublishPart, launched: list[JobFolder]
) -> None:
    part.open.click()
    part.form.repository.setText("my notes")
    QTest.keyClick(part.form.repository, Qt.Key.Key_Return)
    assert "cannot be the name of a repository" in part.form.problem.text()
    assert part.form.problem.isVisible()
    part.form.repository.setText("my-notes")
    assert not part.form.problem.isVisible()
    assert not launched


@pytest.mark.parametrize(("licence", "asked"), [("apache-2.0", False), ("", True), ("odd", True)])
def test_a_licence_is_asked_for_where_none_follows_from_the_base(
    library: Library, part: PublishPart, qtbot: QtBot, licence: str, asked: bool
) -> None:
    add_model(library, "starter", 1000)
    card = library.models / "starter" / "overnight.json"
    told = msgspec.json.decode(card.read_bytes()) | {"licence": licence}
    card.write_bytes(msgspec.json.encode(told))
    part.open.click()
    qtbot.waitUntil(part.form.licence_told.isVisible)
    assert part.form.licence.isVisible() is asked
    with qtbot.assertNotEmitted(part.form.wanted) if asked else qtbot.waitSignal(part.form.wanted):
        part.form.publish.click()
    if asked:
        assert "Name it, for example cc-by-nc-4.0." in part.form.problem.text()
        part.form.licence.setText("cc-by-nc-4.0")
        with qtbot.waitSignal(part.form.wanted):
            QTest.keyClick(part.form.licence, Qt.Key.Key_Return)
    else:
        assert "apache-2.0" in part.form.licence_told.text()


def test_what_was_typed_outlasts_a_look_elsewhere(page: AdaptersPage, part: PublishPart) -> None:
    part.open.click()
    part.form.description.setPlainText("My walks.")
    part.form.public.setChecked(True)
    QTest.keyClick(part.form.description, Qt.Key.Key_Escape)
    assert part.form.isHidden()
    part.open.click()
    page.choose("Older")
    assert part.form.isHidden()
    part.open.click()
    assert part.form.description.toPlainText() == ""
    page.choose("Küste & Meer")
    part.open.click()
    assert part.form.description.toPlainText() == "My walks."
    assert part.form.public.isChecked()


def test_progress_is_told_with_the_time_that_is_left_and_can_be_cancelled(
    library: Library, part: PublishPart, adapter: Adapter, qtbot: QtBot
) -> None:
    done = protocol.Progress(done=12, total=31, unit="secrets", remaining_s=130)
    job = record(library, publish_spec(adapter), protocol.StageBegan(stage="privacy"), done)
    with held(job.path / "lock"):
        qtbot.waitUntil(part.bar.isVisible)
        assert part.told.text() == (
            "Looking for what should not leave · 12 of 31 secrets · about 2 minutes left"
        )
        assert (part.bar.value(), part.bar.maximum()) == (12, 31)
        assert part.privacy.isHidden()
        part.cancel.click()
        qtbot.waitUntil(job.stop_requested)
        qtbot.waitUntil(lambda: part.told.text() == "Stopping…")
        job.append(protocol.Stopped())
    qtbot.waitUntil(lambda: part.told.text().startswith("Publishing was stopped."))
    assert part.told.text().endswith("Nothing was sent. Publish again to start anew.")
    assert part.open.isEnabled()


@pytest.mark.parametrize("ending", [(protocol.Stopped(),), ()])
def test_what_was_sent_before_a_break_is_said_not_to_be_sent_again(
    library: Library,
    part: PublishPart,
    adapter: Adapter,
    qtbot: QtBot,
    ending: tuple[protocol.JobEvent, ...],
) -> None:
    done = protocol.Progress(done=12, total=31, unit="bytes")
    begun = (protocol.StageBegan(stage="publishing"), done)
    job = record(library, publish_spec(adapter), *begun, *ending)
    (job.path / "lock").touch()  # as a process leaves it
    qtbot.waitUntil(lambda: "what was sent is not sent again" in part.told.text())
    assert "Nothing was sent" not in part.told.text()


def test_every_stage_of_publishing_has_words() -> None:
    source = Path(upload_refusals.__file__).parents[2] / "adapters" / "publishing.py"
    stages = {line.split('"')[1] for line in source.read_text().splitlines() if 'stage="' in line}
    assert stages == set(publication_story._STAGES)


def test_once_published_its_address_can_be_copied_and_opened(
    library: Library,
    part: PublishPart,
    adapter: Adapter,
    launched: list[JobFolder],
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    visited: list[QUrl] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", visited.append)
    spec = publish_spec(adapter, repo="Journal", description="My walks.")
    end(record(library, spec), published(private=False))
    qtbot.waitUntil(part.visit.isVisible)
    assert part.told.text() == "Published. Everybody can see it."
    part.copy.click()
    assert QGuiApplication.clipboard().text() == ADDRESS
    part.visit.click()
    assert visited == [QUrl(ADDRESS)]
    assert part.open.text() == "Publish Again…"
    part.open.click()
    assert part.form.publish.text() == "Publish New Version"
    assert part.form.repository.text() == "me/Journal"
    assert part.form.description.toPlainText() == "My walks."
    assert part.form.public.isChecked(), "as it is on the Hub now"


@pytest.mark.parametrize("url", ["file:///etc/passwd", "javascript:alert(1)", "x-app://a"])
def test_no_address_but_one_of_the_web_is_opened(
    library: Library,
    part: PublishPart,
    adapter: Adapter,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
    url: str,
) -> None:
    visited: list[QUrl] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", visited.append)
    end(record(library, publish_spec(adapter)), published(url=url))
    qtbot.waitUntil(lambda: part.told.text().startswith("Published."))
    part.visit.click()
    assert visited == []


REFUSALS = [
    upload_refusals.no_token(),
    upload_refusals.not_accepted(Access()),
    upload_refusals.reads_only(Access()),
    upload_refusals.may_not_write(Access(), "me/Journal"),
    upload_refusals.somebody_elses(Access(), "you/Journal", "me"),
]


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tokens that were given to the keyring."""
    tokens: list[str] = []

    def keep(_: HubToken, token: str, done: Callable[[], object], __: object) -> None:
        tokens.append(token)
        done()

    monkeypatch.setattr(HubToken, "keep", keep)
    return tokens


@pytest.mark.parametrize("error", REFUSALS)
def test_without_a_token_that_may_write_one_is_asked_for_and_it_is_tried_again(
    page: AdaptersPage,
    adapter: Adapter,
    qtbot: QtBot,
    launched: list[JobFolder],
    kept: list[str],
    error: OvernightError,
) -> None:
    part, spec = page.sharing.publishing, publish_spec(adapter)
    end(record(page._library, spec), failed(error))
    qtbot.waitUntil(part.token.isVisible)
    assert part.told.text().startswith(f"It was not published. {error.message}")
    assert "overnight" not in part.told.text()
    part.token.field.setFocus()
    QTest.keyClicks(part.token.field, "hf_secret")
    QTest.keyClick(part.token.field, Qt.Key.Key_Return)
    assert kept == ["hf_secret"]
    qtbot.waitUntil(lambda: len(launched) == 1)
    assert spec_of(launched[0]) == spec
    assert "hf_secret" not in (launched[0].path / "spec.json").read_text()


def test_no_token_is_asked_for_where_none_would_help(
    library: Library, part: PublishPart, adapter: Adapter, qtbot: QtBot
) -> None:
    end(record(library, publish_spec(adapter)), failed(upload_refusals.stalled("")))
    qtbot.waitUntil(lambda: part.told.text().startswith("It was not published."))
    assert part.token.isHidden()
    assert part.told.property("kind") == "warning"
    part.open.click()
    assert part.form.repository.text() == "me/Journal"


def test_what_is_held_back_shows_the_privacy_page_and_goes_only_anyway(
    page: AdaptersPage,
    part: PublishPart,
    launched: list[JobFolder],
    qtbot: QtBot,
) -> None:
    part.open.click()
    part.form.publish.click()
    qtbot.waitUntil(lambda: len(launched) == 1)
    end(launched[0], held_back())
    qtbot.waitUntil(lambda: page.sharing.shows_privacy)
    view = page.sharing.privacy
    assert view.verdict.text() == "Better not share it like this."
    view.back.click()
    assert not page.sharing.shows_privacy
    assert part.told.text() == publication_story.HELD_BACK
    assert part._whereabouts.isHidden()
    part.privacy.click()
    assert page.sharing.shows_privacy
    view.publish.click()
    qtbot.waitUntil(lambda: len(launched) == 2)
    assert not page.sharing.shows_privacy
    first = spec_of(launched[0])
    assert not first.despite_pages
    assert spec_of(launched[1]) == msgspec.structs.replace(first, despite_pages=(PAGE_ID,))


def test_another_adapter_is_not_hidden_by_a_privacy_page(
    library: Library, page: AdaptersPage, part: PublishPart, adapter: Adapter, qtbot: QtBot
) -> None:
    end(record(library, publish_spec(adapter)), held_back())
    qtbot.waitUntil(part.privacy.isVisible)
    part.privacy.click()
    page.refresh()
    qtbot.wait(50)
    assert page.sharing.shows_privacy, "a refresh changes nothing"
    page.choose("Older")
    assert not page.sharing.shows_privacy
    assert part.isHidden()


def left_out(library: Library) -> int:
    with opened(library.database) as db:
        return Browsing(db).overview().left_out


def test_notes_that_would_leak_are_left_out_with_undo_and_training_is_next(
    library: Library,
    page: AdaptersPage,
    part: PublishPart,
    adapter: Adapter,
    services: Services,
    qtbot: QtBot,
) -> None:
    add_notes(library)
    end(record(library, publish_spec(adapter)), held_back())
    qtbot.waitUntil(part.privacy.isVisible)
    said: list[tuple[str, bool]] = []
    services.history.said.connect(lambda *told: said.append(told))
    part.privacy.click()
    with qtbot.waitSignals([page.training_wanted, page.notes_decided]):
        page.sharing.privacy.leave_out.click()
    assert left_out(library) == 1
    assert said[-1] == ("Left out 1 note.", True)
    assert services.history.undo_name == "Leave Out 1 Note"
    with qtbot.waitSignal(page.notes_decided):
        services.history.undo()
    assert left_out(library) == 0
    services.history.redo()
    qtbot.waitUntil(lambda: left_out(library) == 1)
    part.privacy.click()
    page.sharing.privacy.leave_out.click()
    qtbot.waitUntil(lambda: said[-1] == ("Training leaves these notes out already.", False))


def test_an_adapter_of_the_same_name_has_not_been_published(
    library: Library, page: AdaptersPage, part: PublishPart, adapter: Adapter, qtbot: QtBot
) -> None:
    job = record(library, msgspec.structs.replace(publish_spec(adapter), adapter="another"))
    end(job, published())
    qtbot.waitUntil(lambda: page.sharing._jobs.job(job.id) is not None)
    page.refresh()
    qtbot.wait(50)
    assert part.open.text() == "Publish…"
    assert part.isHidden()


def test_a_job_that_cannot_start_leaves_the_button(
    part: PublishPart, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: JobFolder) -> int:
        raise OvernightError(ErrorKind.DISK_FULL, "There is no room.", "Make some.")

    monkeypatch.setattr("app.jobs.watcher.launch", refuse)
    part.open.click()
    part.form.publish.click()
    qtbot.waitUntil(part.open.isEnabled)


def test_the_tab_key_goes_through_all_from_the_top(page: AdaptersPage, part: PublishPart) -> None:
    part.open.click()
    form = part.form
    wanted: list[QWidget] = [
        part.open,
        page.detail.delete,
        form.repository,
        form.description,
        form.publish,
        page.detail._fold.button,
    ]
    reached: list[QWidget] = []
    focused: QWidget = part.open
    focused.setFocus()
    while focused not in reached:
        reached.append(focused)
        QTest.keyClick(focused, Qt.Key.Key_Tab)
        focused = page.window().focusWidget()
    places = [reached.index(each) for each in wanted]
    assert places == sorted(places)
