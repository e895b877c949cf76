"""Downloads and adoptions as a person follows and steers them."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit
from pytestqt.qtbot import QtBot

import mlx_backend
from app.jobs.hub_token import HubToken
from app.jobs.model_jobs import title_of
from app.jobs.model_story import _STAGES
from app.jobs.run_news import RunNews
from app.library.window_state import window_state
from app.models.page import ModelsPage
from app.models.under_way import JobRow
from app.services import Services
from app.shell.status_strip import StatusStrip
from app.widgets.token_field import told
from mlx_backend import protocol
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.jobs import JobFolder
from mlx_backend.library import Library
from mlx_backend.locks import held
from tests.app.filled import add_model
from tests.app.models.conftest import GRANITE, JobMaker, progress

REFUSED = protocol.Failed(
    error=protocol.ErrorReport(
        kind=ErrorKind.REFUSED,
        message="It is only given to those who accept its licence.",
        hint="Accept it, then try again.",
        wants_token=True,
    )
)


def row_of(page: ModelsPage, folder: JobFolder, qtbot: QtBot) -> JobRow:
    qtbot.waitUntil(lambda: len(page.under_way.rows) == 1)
    return page.under_way.row_of(folder.id)


def test_a_download_tells_bytes_speed_and_time_left(
    page: ModelsPage, make_job: JobMaker, qtbot: QtBot
) -> None:
    job = make_job(
        protocol.StageBegan(stage="downloading"), progress(text="48.2 MB/s", remaining_s=130)
    )
    with held(job.path / "lock"):
        row = row_of(page, job, qtbot)
        assert row.title.text() == "Granite 4.1 3B"
        assert row.doing.text() == "702 MB of 2.1 GB · 48.2 MB/s · about 2 minutes left"
        assert 0.3 < row.bar.value() / row.bar.maximum() < 0.4
        assert row.pause.isVisible()
        assert not row.go_on.isVisible()


def test_one_that_waits_for_a_run_says_so(
    page: ModelsPage, make_job: JobMaker, qtbot: QtBot
) -> None:
    text = "It waits for the training to finish."
    job = make_job(
        protocol.StageBegan(stage="checking"), protocol.Waiting(reason="turn", text=text)
    )
    with held(job.path / "lock"):
        row = row_of(page, job, qtbot)
        assert row.doing.text() == text
        job.append(protocol.WaitOver())
        job.append(protocol.StageBegan(stage="trying"))
        qtbot.waitUntil(lambda: row.doing.text() == "Trying it out…")


def test_pause_stops_it_and_continue_goes_on(
    page: ModelsPage, make_job: JobMaker, launched: list[JobFolder], qtbot: QtBot
) -> None:
    job = make_job(protocol.StageBegan(stage="downloading"), progress())
    with held(job.path / "lock"):
        row = row_of(page, job, qtbot)
        row.pause.setFocus()
        QTest.keyClick(row.pause, Qt.Key.Key_Space)
        qtbot.waitUntil(job.stop_requested)
        qtbot.waitUntil(lambda: row.doing.text().startswith("Pausing…"))
    job.append(protocol.Stopped())
    qtbot.waitUntil(lambda: row.doing.text() == "Paused · 702 MB of 2.1 GB")
    assert row.go_on.hasFocus(), "the key that paused continues"
    QTest.keyClick(row.go_on, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: bool(launched))
    assert launched[0].id == job.id
    qtbot.waitUntil(row.pause.isVisible)


def test_what_an_earlier_session_left_shows_as_paused(
    page: ModelsPage, make_job: JobMaker, qtbot: QtBot
) -> None:
    row = row_of(page, make_job(progress()), qtbot)  # its process was killed
    assert row.doing.text() == "Paused · 702 MB of 2.1 GB"
    assert row.go_on.text() == "Continue"


def test_cancel_removes_what_was_fetched(
    page: ModelsPage, make_job: JobMaker, qtbot: QtBot, library: Library
) -> None:
    job = make_job(progress(), protocol.Stopped())
    (job.path / "parts").mkdir()
    (job.path / "parts" / "model.safetensors").write_bytes(b"half")
    page.activateWindow()
    row = row_of(page, job, qtbot)
    row.cancel.setFocus()
    QTest.keyClick(row.cancel, Qt.Key.Key_Space)
    assert page.under_way.rows == [], "it goes at once"
    assert page.choices.buttons()[0].hasFocus(), "the same key again begins no download"
    qtbot.waitUntil(lambda: not job.path.exists())


def test_a_failed_one_says_what_to_do_and_tries_again(
    page: ModelsPage, make_job: JobMaker, launched: list[JobFolder], qtbot: QtBot
) -> None:
    error = protocol.ErrorReport(
        kind=ErrorKind.OFFLINE, message="The Hub cannot be reached.", hint="Check the connection."
    )
    row = row_of(page, make_job(progress(), protocol.Failed(error=error)), qtbot)
    assert row.doing.text() == "The Hub cannot be reached. Check the connection."
    assert row.doing.property("kind") == "warning"
    assert not row.token.isVisible()
    assert row.go_on.text() == "Try Again"
    row.go_on.click()
    qtbot.waitUntil(lambda: len(launched) == 1)
    qtbot.waitUntil(lambda: row.doing.property("kind") == "quiet")


@pytest.mark.parametrize(
    ("stage", "made", "said"),
    [
        ("looking up", None, "Asking the Hub…"),
        (
            "quantising",
            progress(40, total=100, unit="percent"),
            "Making its weights smaller · 40 percent",
        ),
        ("trying", progress(3, total=9, unit="steps"), "Trying it out · 3 of 9 steps"),
        ("of a later version", None, "Of a later version…"),
    ],
)
def test_each_stage_is_said_in_words(
    page: ModelsPage,
    make_job: JobMaker,
    qtbot: QtBot,
    stage: str,
    made: protocol.Progress | None,
    said: str,
) -> None:
    events = [protocol.StageBegan(stage=stage), *([made] if made else [])]
    job = make_job(*events)
    with held(job.path / "lock"):
        assert row_of(page, job, qtbot).doing.text() == said


def test_the_stages_are_those_that_there_are() -> None:
    begins = re.compile(r"(?:begin\(|StageBegan\(stage=)\"([a-z ]+)\"")
    engine = Path(mlx_backend.__path__[0])
    files = [*(engine / "adoption").rglob("*.py"), *(engine / "models/hub").rglob("*.py")]
    begun = {stage for file in files for stage in begins.findall(file.read_text("utf-8"))}
    assert set(_STAGES) == begun


@pytest.mark.parametrize(
    ("endpoint", "said"),
    [
        ("", "sent to the Hub alone."),
        ("https://huggingface.co/", "sent to the Hub alone."),
        ("https://me:secret@mirror.example:8443/hub", "sent to mirror.example alone"),
    ],
)
def test_it_is_said_where_a_token_goes(endpoint: str, said: str) -> None:
    assert said in told({"HF_ENDPOINT": endpoint})
    assert "secret" not in told({"HF_ENDPOINT": endpoint})


def test_an_adoption_shows_its_stages_and_can_pause(
    page: ModelsPage, make_job: JobMaker, launched: list[JobFolder], qtbot: QtBot
) -> None:
    spec = protocol.AdoptSpec(path="/models/some-model")
    job = make_job(protocol.StageBegan(stage="placing"), progress(), spec=spec)
    with held(job.path / "lock"):
        row = row_of(page, job, qtbot)
        assert row.title.text() == "some-model"
        assert row.doing.text() == "Bringing its files here · 702 MB of 2.1 GB"
        assert row.cancel.isVisible()
        row.pause.click()
        qtbot.waitUntil(job.stop_requested)
    job.append(protocol.Stopped())
    qtbot.waitUntil(lambda: row.doing.text() == "Paused · 702 MB of 2.1 GB")
    row.go_on.click()
    qtbot.waitUntil(lambda: [folder.id for folder in launched] == [job.id])


@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("/models/some-model", "some-model"),
        (f"/cache/models--someone--Tiny-1B/snapshots/{'0' * 40}", "Tiny-1B"),
        ("/", "/"),
    ],
)
def test_an_adoption_is_called_as_people_call_the_model(
    services: Services, launched: list[JobFolder], qtbot: QtBot, path: str, title: str
) -> None:
    services.model_jobs.adopt(Path(path))
    qtbot.waitUntil(lambda: bool(services.model_jobs.unfinished()))
    assert title_of(services.model_jobs.unfinished()[0]) == title


def test_a_model_that_arrives_is_in_the_library_list(
    page: ModelsPage, services: Services, launched: list[JobFolder], library: Library, qtbot: QtBot
) -> None:
    page.activateWindow()
    page.hub.wanted.emit("someone/Tiny-1B", "main", 0)
    qtbot.waitUntil(lambda: len(page.under_way.rows) == 1)
    assert page.under_way.has_focus
    add_model(library, "Tiny-1B", 1_000_000)
    launched[0].append(protocol.Notice(text="No second copy was made: 2.1 GB are shared."))
    launched[0].append(protocol.Finished(result={"model": "Tiny-1B"}))
    qtbot.waitUntil(lambda: "Tiny-1B" in page.names)
    assert page.under_way.rows == []
    qtbot.waitUntil(lambda: page.button_of("Tiny-1B").hasFocus())
    line = page.models.told_of("Tiny-1B")
    assert line.isVisible()
    assert line.text() == "No second copy was made: 2.1 GB are shared."
    page.hide()
    page.show()
    assert not page.models.told_of("Tiny-1B").isVisible(), "it was read"


def test_a_token_is_asked_for_where_the_hub_wants_one_and_shows_no_letter(
    page: ModelsPage, make_job: JobMaker, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[str] = []
    monkeypatch.setattr(HubToken, "keep", lambda _, token, done, failed: kept.append(token))
    row = row_of(page, make_job(REFUSED), qtbot)
    assert row.token.isVisible()
    assert row.token.field.echoMode() is QLineEdit.EchoMode.Password
    row.token.field.setFocus()
    QTest.keyClicks(row.token.field, " hf_secret ")
    QTest.keyClick(row.token.field, Qt.Key.Key_Return)
    assert kept == ["hf_secret"]
    assert row.token.field.text() == ""


_KEEPS = "import sys; open(sys.argv[1], 'w').write(sys.stdin.read() + repr(sys.argv))"
_ERROR = '{"error": {"kind": "wrong_usage", "message": "No.", "hint": "Copy it."}}'
_REFUSES = f"print({_ERROR!r}); exit(1)"


def test_a_token_goes_to_the_engine_on_its_input(
    library: Library, qtbot: QtBot, tmp_path: Path
) -> None:
    where = tmp_path / "kept"
    done: list[bool] = []
    keeper = HubToken(library, command=(sys.executable, "-c", _KEEPS, str(where)))
    keeper.keep("hf_secret", lambda: done.append(True), lambda error: done.append(False))
    qtbot.waitUntil(lambda: bool(done))
    said = where.read_text()
    assert done == [True]
    assert said.startswith("hf_secret\n")
    assert "hf_secret" not in said.partition("\n")[2], "not in the command line"


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ((sys.executable, "-c", _REFUSES), "No."),
        ((sys.executable, "-c", "exit(2)"), "The access token could not be kept."),
        (("/nowhere/at/all",), "The access token could not be kept."),
    ],
)
def test_a_token_that_cannot_be_kept_says_why(
    library: Library, qtbot: QtBot, command: tuple[str, ...], message: str
) -> None:
    errors: list[OvernightError] = []
    keeper = HubToken(library, command=command)
    keeper.keep("hf_secret", lambda: None, errors.append)
    qtbot.waitUntil(lambda: bool(errors))
    assert errors[0].message == message


def test_the_strip_tells_of_a_download_and_leads_to_it(
    services: Services, launched: list[JobFolder], qtbot: QtBot
) -> None:
    strip = StatusStrip(
        services.watcher, RunNews(services.watcher, window_state(services.library.home))
    )
    qtbot.addWidget(strip)
    services.model_jobs.adopt(Path("/models/some-model"))
    qtbot.waitUntil(lambda: strip.what.text() == "Adding “some-model”")
    launched[0].append(progress(remaining_s=130))
    qtbot.waitUntil(lambda: strip.detail.text() == "33 percent, about 2 minutes left")
    with qtbot.waitSignal(strip.chosen) as chosen:
        QTest.keyClick(strip, Qt.Key.Key_Return)
    assert chosen.args == ["models"]


def test_the_strip_calls_a_download_as_the_catalogue_does(
    services: Services, make_job: JobMaker, qtbot: QtBot
) -> None:
    strip = StatusStrip(
        services.watcher, RunNews(services.watcher, window_state(services.library.home))
    )
    qtbot.addWidget(strip)
    job = make_job(progress())
    with held(job.path / "lock"):
        qtbot.waitUntil(lambda: strip.what.text() == "Downloading “Granite 4.1 3B”")


def test_one_download_is_begun_once(
    services: Services, launched: list[JobFolder], qtbot: QtBot
) -> None:
    first = services.model_jobs.download(GRANITE.repo, GRANITE.revision)
    qtbot.waitUntil(lambda: len(services.model_jobs.unfinished()) == 1)
    assert services.model_jobs.download(GRANITE.repo, GRANITE.revision) == first
    assert services.model_jobs.download(GRANITE.repo, GRANITE.revision, bits=8) != first
