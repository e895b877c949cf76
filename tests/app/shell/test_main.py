from __future__ import annotations

import contextlib
import errno
import logging
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import qInstallMessageHandler
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

import app.main
from app.shell.logs import show_unexpected, write_log_to
from app.shell.single_window import SingleWindow
from app.widgets.error_dialog import ErrorDialog
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.library import Library


@pytest.fixture
def shown(
    library: Library, qapp: QApplication, monkeypatch: pytest.MonkeyPatch
) -> Iterator[list[str]]:
    """Runs `main` on the test's library and application; the messages of its error dialogs."""
    messages: list[str] = []

    def note(dialog: ErrorDialog) -> int:
        messages.append(dialog.message.text())
        return 0

    monkeypatch.setenv("OVERNIGHT_HOME", str(library.home))
    monkeypatch.setattr(app.main, "make_application", lambda argv: qapp)
    monkeypatch.setattr(app.main, "write_log_to", lambda path: None)
    monkeypatch.setattr(ErrorDialog, "exec", note)
    before = sys.excepthook
    yield messages
    sys.excepthook = before


def test_window_opens_and_closes_with_success(
    shown: list[str], library: Library, qapp: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[bool] = []

    def run() -> int:
        opened.append(any(widget.isVisible() for widget in qapp.topLevelWidgets()))
        qapp.closeAllWindows()
        return 0

    monkeypatch.setattr(qapp, "exec", run)
    assert app.main.main([]) == 0
    assert opened == [True]
    assert shown == []
    again = SingleWindow(library)
    assert again.claim()
    again.close()


def test_second_start_brings_the_window_forward(
    shown: list[str], library: Library, qtbot: QtBot
) -> None:
    first = SingleWindow(library)
    assert first.claim()
    with qtbot.waitSignal(first.asked_forward):
        assert app.main.main([]) == 0
    assert shown == []
    first.close()


def test_start_while_the_first_window_closes_waits_for_its_end(library: Library) -> None:
    first, second = SingleWindow(library), SingleWindow(library)
    assert first.claim()
    first.stop_answering()
    assert not second.call_forward()
    threading.Timer(0.3, first.close).start()
    assert second.claim_after_closing()
    second.close()


def test_second_start_while_the_first_does_not_answer(
    shown: list[str], library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.shell.single_window._CLOSING_S", 0.1)
    first = SingleWindow(library)
    assert first.claim()
    first.stop_answering()
    assert app.main.main([]) == 1
    assert shown == ["Overnight is open already, but its window does not answer."]
    first.close()


def test_library_of_a_later_version(shown: list[str], library: Library) -> None:
    sqlite3.connect(library.database).execute("PRAGMA user_version = 99").connection.close()
    assert app.main.main([]) == 1
    assert shown == ["This library was written by a later version of Overnight."]


def test_library_that_cannot_be_made(
    shown: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("OVERNIGHT_HOME", str(tmp_path / "file"))
    assert app.main.main([]) == 1
    assert "cannot be created" in shown[0]


def test_unexpected_errors_are_logged_and_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    errors: list[OvernightError] = []
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr("threading.excepthook", None)
    show_unexpected(errors.append)
    try:
        raise ZeroDivisionError("of all things")
    except ZeroDivisionError as error:
        sys.excepthook(type(error), error, error.__traceback__)
    assert errors[0].kind is ErrorKind.INTERNAL
    assert "Traceback" not in errors[0].message
    assert "of all things" in caplog.text


@contextlib.contextmanager
def logging_to(path: Path) -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    write_log_to(path)
    try:
        yield
    finally:
        for handler in set(root.handlers) - set(handlers):
            root.removeHandler(handler)
            with contextlib.suppress(OSError):
                handler.close()
        root.setLevel(level)
        qInstallMessageHandler(None)


def test_log_goes_to_its_file(tmp_path: Path) -> None:
    with logging_to(tmp_path / "window.log"):
        logging.getLogger("overnight.test").warning("something to look at")
    assert "WARNING overnight.test: something to look at" in (tmp_path / "window.log").read_text()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux alone has a full device")
def test_a_log_on_a_full_disk_is_no_news_in_the_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with logging_to(Path("/dev/full")):
        logging.getLogger("overnight.test").warning("something to look at")
    assert "Traceback" not in capsys.readouterr().err


def _no_folder(home: Path) -> None:
    home.parent.mkdir(parents=True)
    home.write_text("in the way")


def _damaged(home: Path) -> None:
    Library.open(home).database.write_text("no database at all, but long enough to look like one")


def _later(home: Path) -> None:
    database = Library.open(home).database
    sqlite3.connect(database).execute("PRAGMA user_version = 99").connection.close()


@pytest.mark.parametrize("make", [_no_folder, _damaged, _later])
def test_what_keeps_the_window_from_opening_names_the_folder(
    make: Callable[[Path], None],
    shown: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    home = tmp_path / "their notes" / "library"
    make(home)
    monkeypatch.setenv("OVERNIGHT_HOME", str(home))
    dialogs: list[ErrorDialog] = []
    opened: list[Path] = []

    def note(dialog: ErrorDialog) -> None:
        dialogs.append(dialog)

    monkeypatch.setattr(ErrorDialog, "exec", note)
    monkeypatch.setattr("app.widgets.error_dialog.open_path", opened.append)
    assert app.main.main([]) == 1
    said = f"{dialogs[0].message.text()} {dialogs[0].hint.text()}"
    assert str(home) in said
    assert str(home) in capsys.readouterr().err
    dialogs[0].folder.click()
    assert opened == [home if home.is_dir() else home.parent]


def test_a_full_disk_at_the_start_names_the_folder(
    shown: list[str],
    library: Library,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def full(path: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(app.main, "connect", full)
    assert app.main.main([]) == 1
    assert shown == ["The disk is full."]
    assert str(library.home) in capsys.readouterr().err
