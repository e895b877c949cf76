from __future__ import annotations

import functools
import sys
from pathlib import Path
from typing import cast

import pytest
from PySide6.QtCore import (
    QCoreApplication,
    QDir,
    QEvent,
    QMimeData,
    QObject,
    QPoint,
    QPointF,
    Qt,
    QUrl,
)
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QFileDialog,
    QLabel,
    QLineEdit,
    QMenuBar,
    QPlainTextEdit,
    QWidget,
)
from pytestqt.qtbot import QtBot

from app.chat.page import ChatPage
from app.jobs.local_server import LocalServer
from app.notes.page import NotesPage
from app.services import Services, make_services
from app.shell.file_drops import DropSign
from app.shell.sidebar import Sidebar
from app.shell.status_strip import StatusStrip
from app.shell.window import ENTRIES, Window
from app.widgets.error_dialog import ErrorDialog
from mlx_backend import protocol
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.jobs import JobFolder
from mlx_backend.library import Library
from mlx_backend.settings import change_settings
from tests.app.filled import add_adapter, add_notes
from tests.app.recorded import RunMaker


def drop(target: QObject, paths: list[Path]) -> None:
    """Let the window system hand files to `target`, as a native drag does."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    copy, left, none = (
        Qt.DropAction.CopyAction,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    QCoreApplication.sendEvent(target, QDragEnterEvent(QPoint(9, 9), copy, data, left, none))
    QCoreApplication.sendEvent(target, QDropEvent(QPointF(9, 9), copy, data, left, none))


def specs(launched: list[JobFolder]) -> list[protocol.JobSpec]:
    return [folder.spec() for folder in launched]


def test_every_page_opens_by_key_and_by_click(window: Window, qtbot: QtBot) -> None:
    for number, entry in enumerate(ENTRIES, start=1):
        key = Qt.Key(Qt.Key.Key_0.value + number)
        QTest.keyClick(window, key, Qt.KeyboardModifier.ControlModifier)
        assert window.page(entry.key).isVisible(), entry.key
        assert window.sidebar.list.currentItem().text() == entry.title
    window.sidebar.list.setCurrentRow(0)
    assert window.page("notes").isVisible()


def is_part_of_another(widget: QObject) -> bool:
    parent = widget.parent()
    if parent is None:
        return False
    whole = QAbstractSpinBox | QComboBox | QAbstractItemView | QLineEdit
    return isinstance(parent, whole) or is_part_of_another(parent)


def test_every_control_has_a_name_that_can_be_read_out(window: Window) -> None:
    kinds = (
        QAbstractButton,
        QAbstractItemView,
        QAbstractSpinBox,
        QComboBox,
        QLineEdit,
        QPlainTextEdit,
    )
    nameless = []
    for entry in ENTRIES:
        page = window.page(entry.key)
        for widget in page.findChildren(QObject):
            if isinstance(widget, kinds) and not is_part_of_another(widget):
                text = widget.text() if isinstance(widget, QAbstractButton) else ""
                if not (widget.accessibleName() or text or widget.parent() is None):
                    nameless.append(f"{entry.key}: {type(widget).__name__} in {widget.parent()}")
    assert nameless == []


def test_whatever_takes_the_focus_has_a_name(
    library: Library, window: Window, make_run: RunMaker
) -> None:
    add_notes(library)
    add_adapter(library, "Journal")
    make_run("Journal", last=(protocol.Finished(result={"verdict": "Well.", "notes": 3}),))
    cast(NotesPage, window.page("notes")).samples.show()
    cast(ChatPage, window.page("chat")).find_bar.show()
    for entry in ENTRIES:
        window.show_page(entry.key)
    nameless = [
        f"{type(widget).__name__} in {type(widget.parent()).__name__}"
        for widget in window.findChildren(QWidget)
        if widget.focusPolicy() & Qt.FocusPolicy.TabFocus
        and not is_part_of_another(widget)
        and not _is_named(widget)
    ]
    assert nameless == []


def _is_named(widget: QWidget) -> bool:
    text = widget.text() if isinstance(widget, QAbstractButton | QLabel) else ""
    return bool(widget.accessibleName() or text or isinstance(widget, QMenuBar))


def test_no_label_takes_text_for_markup(window: Window) -> None:
    for entry in ENTRIES:
        for label in window.page(entry.key).findChildren(QLabel):
            if label.pixmap().isNull() and (label.text() or type(label) is QLabel):
                assert label.textFormat() == Qt.TextFormat.PlainText, label.text()


@pytest.mark.parametrize("key", [entry.key for entry in ENTRIES if entry.key != "models"])
def test_files_dropped_anywhere_are_imported(
    key: str, window: Window, launched: list[JobFolder], qtbot: QtBot, tmp_path: Path
) -> None:
    window.show_page(key)
    drop(window.windowHandle(), [tmp_path / "notes", tmp_path / "a.md"])
    qtbot.waitUntil(lambda: len(launched) == 1)
    paths = (str(tmp_path / "notes"), str(tmp_path / "a.md"))
    assert specs(launched) == [protocol.ImportSpec(paths=paths)]
    assert window.page("notes").isVisible()


def test_field_gets_no_files_dropped_on_it(
    window: Window, library: Library, launched: list[JobFolder], qtbot: QtBot, tmp_path: Path
) -> None:
    add_notes(library)
    page = window.page("notes")
    assert isinstance(page, NotesPage)
    page.refresh()
    qtbot.waitUntil(page.search.isVisible)
    drop(window, [tmp_path])
    qtbot.waitUntil(lambda: len(launched) == 1)
    assert page.search.text() == ""


def test_drag_is_seen_before_it_is_dropped(window: Window, tmp_path: Path) -> None:
    sign = window.findChild(DropSign)
    assert isinstance(sign, DropSign)
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path))])
    enter = QDragEnterEvent(
        QPoint(9, 9),
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    QCoreApplication.sendEvent(window.windowHandle(), enter)
    assert enter.isAccepted()
    assert sign.isVisible()
    QCoreApplication.sendEvent(window.windowHandle(), QDragLeaveEvent())
    assert not sign.isVisible()


def test_sample_notes_are_one_click_away(
    window: Window, launched: list[JobFolder], qtbot: QtBot
) -> None:
    page = window.page("notes")
    assert isinstance(page, NotesPage)
    qtbot.waitUntil(page.welcome.isVisible)
    page.welcome.samples.click()
    qtbot.waitUntil(lambda: len(launched) == 1)
    spec = launched[0].spec()
    assert isinstance(spec, protocol.ImportSpec)
    assert len(list(Path(spec.paths[0]).rglob("*.md"))) > 20


def test_chosen_folder_is_imported(
    window: Window, launched: list[JobFolder], qtbot: QtBot, tmp_path: Path
) -> None:
    QTest.keyClick(window, Qt.Key.Key_O, Qt.KeyboardModifier.ControlModifier)
    dialog = window.findChild(QFileDialog)
    assert isinstance(dialog, QFileDialog)
    dialog.filesSelected.emit([str(tmp_path)])
    dialog.close()
    qtbot.waitUntil(lambda: len(launched) == 1)


def test_choosing_begins_at_home(
    window: Window, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    QTest.keyClick(window, Qt.Key.Key_O, Qt.KeyboardModifier.ControlModifier)
    dialog = window.findChild(QFileDialog)
    assert isinstance(dialog, QFileDialog)
    assert dialog.directory() == QDir.home()
    dialog.close()


def test_find_leads_to_the_search_of_notes(window: Window, library: Library, qtbot: QtBot) -> None:
    add_notes(library)
    window.show_page("settings")
    page = window.page("notes")
    assert isinstance(page, NotesPage)
    page.refresh()
    window.activateWindow()
    qtbot.waitUntil(lambda: page.table.rowCount() == 3)
    QTest.keyClick(window, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    assert page.isVisible()
    assert window.focusWidget() is page.search


def test_strip_shows_a_run_as_its_folder_tells_it(
    window: Window, make_run: RunMaker, qtbot: QtBot
) -> None:
    strip: StatusStrip = window.strip
    assert not strip.isVisible()
    folder = make_run("Journal", steps=40)
    lock = folder.lock()
    assert lock.acquire()
    qtbot.waitUntil(lambda: strip.what.text() == "Training “Journal”")
    assert strip.detail.text() == "40 percent, about 2 minutes left"
    assert (strip.bar.value(), strip.bar.maximum()) == (40, 100)
    QTest.mouseClick(strip, Qt.MouseButton.LeftButton)
    assert window.page("tonight").isVisible()
    lock.release()
    qtbot.waitUntil(lambda: strip.detail.text().startswith("Interrupted"))
    assert not strip.bar.isVisible()


def test_nothing_moves_on_the_page_when_the_strip_comes(
    window: Window, make_run: RunMaker, qtbot: QtBot
) -> None:
    window.show_page("chat")
    page = cast(ChatPage, window.page("chat"))
    QTest.qWait(50)
    assert not window.strip.isVisible()
    before = page.send.mapTo(window, QPoint(0, 0))
    lock = make_run("Journal", steps=40).lock()
    assert lock.acquire()
    qtbot.waitUntil(window.strip.isVisible)
    assert page.send.mapTo(window, QPoint(0, 0)) == before
    lock.release()


def test_strip_tells_of_an_import_that_nobody_watched(
    window: Window, services: Services, launched: list[JobFolder], qtbot: QtBot
) -> None:
    window.show_page("settings")
    services.imports.add([Path("/notes")])
    qtbot.waitUntil(lambda: services.imports.current is not None)
    launched[0].append(protocol.Finished(result={"added": 12, "skipped": ["a.jpg"]}))
    qtbot.waitUntil(lambda: window.strip.detail.text() == "I read 12 notes and skipped 1.")
    assert not window.strip.bar.isVisible()
    QTest.mouseClick(window.strip, Qt.MouseButton.LeftButton)
    assert window.page("notes").isVisible()
    assert not window.strip.isVisible()


def test_strip_tells_that_the_server_did_not_start_with_the_window(
    library: Library, qapp: QApplication, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = '{"error": {"kind": "busy", "message": "Port 8717 is taken.", "hint": "--port 0"}}'
    server = functools.partial(LocalServer, command=(sys.executable, "-c", f"print({told!r})"))
    monkeypatch.setattr("app.services.LocalServer", server)
    change_settings(library.settings, server_with_window=True)
    services = make_services(library, qapp)
    window = Window(services)
    qtbot.addWidget(window)
    window.show()
    qtbot.waitUntil(window.strip.isVisible)
    assert window.strip.what.text() == "Other programs cannot ask"
    assert window.strip.detail.text() == "Port 8717 is taken."
    QTest.mouseClick(window.strip, Qt.MouseButton.LeftButton)
    assert window.page_shown == "settings"
    assert not window.strip.isVisible()
    services.server.switch(True)  # the page that is on show tells why it fails again
    qtbot.waitUntil(lambda: services.server.error is not None)
    assert not window.strip.isVisible()
    services.close()


def test_strip_shows_a_download_larger_than_a_bar_counts(
    window: Window, services: Services, launched: list[JobFolder], qtbot: QtBot
) -> None:
    services.watcher.start(protocol.DownloadSpec(repo="someone/Large-8B"))
    qtbot.waitUntil(lambda: window.strip.what.text() == "Downloading “Large-8B”")
    launched[0].append(
        protocol.Progress(done=1 << 32, total=1 << 33, unit="bytes", remaining_s=300)
    )
    qtbot.waitUntil(lambda: window.strip.detail.text() == "50 percent, about 5 minutes left")
    assert window.strip.bar.value() * 2 == pytest.approx(window.strip.bar.maximum(), rel=1e-3)
    QTest.mouseClick(window.strip, Qt.MouseButton.LeftButton)
    assert window.page("models").isVisible()
    launched[0].append(protocol.Finished(result={"model": "Large-8B"}))
    qtbot.waitUntil(lambda: not window.strip.isVisible())


def test_new_window_finds_the_run(
    library: Library, make_run: RunMaker, services: Services, qtbot: QtBot
) -> None:
    lock = make_run("Journal", steps=40).lock()
    assert lock.acquire()
    window = Window(services)
    qtbot.addWidget(window)
    window.show()
    qtbot.waitUntil(lambda: window.strip.what.text() == "Training “Journal”")
    lock.release()


def test_import_that_failed_is_said_without_a_dialog_and_in_full_on_request(
    window: Window, services: Services, launched: list[JobFolder], qtbot: QtBot
) -> None:
    services.imports.add([Path("/nowhere")])
    qtbot.waitUntil(lambda: services.imports.current is not None)
    report = protocol.ErrorReport(
        kind="path_missing", message="There is nothing at <b>/nowhere</b>.", hint="Check the path."
    )
    launched[0].append(protocol.Failed(error=report))
    qtbot.waitUntil(window.notices.isVisible)
    assert window.findChild(ErrorDialog) is None
    assert window.notices.label.text() == f"{report.message} {report.hint}"
    assert window.notices.label.textFormat() == Qt.TextFormat.PlainText
    QTest.mouseClick(window.notices.details, Qt.MouseButton.LeftButton)
    dialog = window.findChild(ErrorDialog)
    assert isinstance(dialog, ErrorDialog)
    assert dialog.message.text() == report.message
    assert dialog.message.textFormat() == Qt.TextFormat.PlainText
    assert dialog.hint.text() == report.hint
    assert dialog.details.isVisible()
    dialog.accept()


def test_errors_come_one_after_the_other(window: Window, qtbot: QtBot) -> None:
    first, second = (OvernightError(ErrorKind.BUSY, f"{n} is busy.") for n in ("One", "Two"))
    for error in (first, second, first):
        window.errors.show(error)
    shown = []
    while dialogs := [d for d in window.findChildren(ErrorDialog) if d.isVisible()]:
        assert len(dialogs) == 1
        shown.append(dialogs[0].message.text())
        dialogs[0].accept()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    assert shown == ["One is busy.", "Two is busy."]


def test_window_remembers_its_size(
    library: Library, services: Services, window: Window, qtbot: QtBot
) -> None:
    # The offscreen screen is 800 wide and high.
    window.resize(window.minimumWidth(), 703)
    window.close()
    other = Window(services)
    qtbot.addWidget(other)
    assert (other.width(), other.height()) == (other.minimumWidth(), 703)
    assert (library.home / "window.ini").is_file()


def test_sidebar_is_as_wide_as_the_design_says(window: Window) -> None:
    sidebar = window.findChild(Sidebar)
    assert isinstance(sidebar, Sidebar)
    assert 200 <= sidebar.width() <= 220


def test_closing_during_a_run_asks_nothing(
    library: Library, qapp: QApplication, make_run: RunMaker, qtbot: QtBot
) -> None:
    folder = make_run(steps=40)
    lock = folder.lock()
    assert lock.acquire()
    services = make_services(library, qapp)
    window = Window(services)
    window.show()
    qtbot.waitUntil(lambda: bool(services.watcher.active()))
    assert window.close()
    services.close()
    assert QGuiApplication.modalWindow() is None
    assert not folder.stop_requested()
    lock.release()
