"""Signals that end the window, sent to it as the system does."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.shell.single_window import SingleWindow
from app.shell.system_signals import EndSignals
from mlx_backend.library import Library

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


def start(home: Path, **environment: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "mlx_backend.cli"],
        env=os.environ | {"OVERNIGHT_HOME": str(home)} | environment,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def wait_until_open(window: subprocess.Popen[bytes], library: Library) -> None:
    deadline = time.monotonic() + 60
    second = SingleWindow(library)
    while not second.call_forward():
        assert window.poll() is None, window.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)


def wait_until_at_rest(window: subprocess.Popen[bytes]) -> None:
    """Until its loop waits for events: what comes then must wake it."""
    status = Path(f"/proc/{window.pid}/stat")
    rests = 0
    while rests < 20:
        assert window.poll() is None
        rests = rests + 1 if status.read_text().rpartition(")")[2].split()[0] == "S" else 0
        time.sleep(0.02)


@pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc")
@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_closes_the_window_of_a_process_properly(
    library: Library, qapp: QApplication, number: signal.Signals
) -> None:
    window = start(library.home)
    try:
        wait_until_open(window, library)
        wait_until_at_rest(window)
        window.send_signal(number)
        _, errors = window.communicate(timeout=30)
    finally:
        window.kill()
    assert (window.returncode, errors) == (0, b"")
    again = SingleWindow(library)
    assert again.claim()
    again.close()


@pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc")
def test_a_signal_closes_an_error_too_that_is_there_instead_of_a_window(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    window = start(tmp_path / "file")
    try:
        wait_until_at_rest(window)
        window.send_signal(signal.SIGINT)
        _, errors = window.communicate(timeout=30)
    finally:
        window.kill()
    assert window.returncode == 1
    assert b"Traceback" not in errors


@pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc")
def test_a_second_start_with_another_place_for_temporary_files_finds_the_first(
    library: Library, tmp_path: Path, qapp: QApplication
) -> None:
    (tmp_path / "other").mkdir()
    window = start(library.home)
    try:
        wait_until_open(window, library)
        second = start(library.home, TMPDIR=str(tmp_path / "other"))
        _, errors = second.communicate(timeout=60)
        assert (second.returncode, errors) == (0, b"")
        window.terminate()
        window.communicate(timeout=30)
    finally:
        window.kill()


def test_each_signal_is_heard_by_qt(qapp: QApplication, qtbot: QtBot) -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    for number in SIGNALS:
        ends = EndSignals()
        with qtbot.waitSignal(ends.received):
            os.kill(os.getpid(), number)
        assert signal.getsignal(number) is signal.SIG_DFL  # a second one would end it at once
        ends.close()
    assert [signal.getsignal(number) for number in SIGNALS] == before


def test_what_is_ignored_stays_ignored(qapp: QApplication, qtbot: QtBot) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    ends = EndSignals()
    try:
        os.kill(os.getpid(), signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        ends.close()
        signal.signal(signal.SIGHUP, before)


# --- the socket between windows ---


def socket_of(library: Library) -> Path:
    window = SingleWindow(library)
    assert window.claim()
    path = Path(window._server.fullServerName())
    window.close()
    return path


def test_the_socket_is_the_owners_alone_and_in_the_library(library: Library) -> None:
    window = SingleWindow(library)
    assert window.claim()
    path = Path(window._server.fullServerName())
    assert path.parent == library.home or len(bytes(library.home)) > 70
    assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0
    window.close()
    assert not path.exists()


def test_a_library_with_a_long_path_is_one_window_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    library = Library.open(tmp_path / ("long " * 40) / "library")
    path = socket_of(library)
    assert path.parent == Path("/tmp") / f"overnight-{os.getuid()}"
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    first, second = SingleWindow(library), SingleWindow(library)
    assert first.claim()
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    tempfile.tempdir = None
    with qtbot.waitSignal(first.asked_forward):
        assert not second.claim()
        assert second.call_forward()
    first.close()


def test_a_library_behind_a_short_link_is_one_window_too(tmp_path: Path, qtbot: QtBot) -> None:
    library = Library.open(tmp_path / ("long " * 40) / "library")
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        link = Path(folder) / "link"
        link.symlink_to(library.home)
        first, second = SingleWindow(Library.open(link)), SingleWindow(library)
        assert first.claim()
        with qtbot.waitSignal(first.asked_forward):
            assert second.call_forward()
        first.close()


def test_a_socket_that_a_killed_window_left_is_in_nobodys_way(tmp_path: Path, qtbot: QtBot) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as home:  # short enough for a socket
        library = Library.open(Path(home))
        left = socket.socket(socket.AF_UNIX)
        left.bind(str(library.home / "window.sock"))
        left.close()
        assert not SingleWindow(library).call_forward()
        assert socket_of(library) == library.home / "window.sock"


def test_a_folder_that_others_may_enter_is_not_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.shell.single_window._SHARED", tmp_path)
    library = Library.open(tmp_path / ("long " * 40) / "library")
    (tmp_path / f"overnight-{os.getuid()}").mkdir(mode=0o755)
    window = SingleWindow(library)
    assert window.claim()
    assert not window._server.isListening()
    window.close()
