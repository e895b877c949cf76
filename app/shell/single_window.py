"""One window a library: a second start brings the first window forward."""

from __future__ import annotations

import hashlib
import logging
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtNetwork import QLocalServer, QLocalSocket

from mlx_backend.library import Library
from mlx_backend.locks import FileLock

_PATIENCE_MS = 2000
_CLOSING_S = 5.0
# A socket's path may have 104 bytes on a Mac and 108 on Linux; Qt makes it under a longer name.
_LONGEST_PATH = 90
_SHARED = Path("/tmp")  # not TMPDIR, which may be another one at each start

_log = logging.getLogger(__name__)


class SingleWindow(QObject):
    """Holds the library's window lock, and hears from later starts."""

    asked_forward = Signal()

    def __init__(self, library: Library, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lock = FileLock(library.window_lock)
        self._home = library.home
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.newConnection.connect(self._hear)

    def claim(self, patience: float = 0.0) -> bool:
        """Become the library's one window; False when there is one already."""
        if not self._lock.acquire(patience):
            return False
        if not any(map(self._listen, _sockets(self._home))):
            _log.warning("later starts cannot be heard: %s", self._server.errorString())
        return True

    def claim_after_closing(self) -> bool:
        """Wait for a window that does not answer because it is closing, then `claim`."""
        return self.claim(_CLOSING_S)

    def call_forward(self) -> bool:
        """Ask the window that there is to come forward; False when it does not answer."""
        return any(_answers(path) for path in _sockets(self._home))

    def stop_answering(self) -> None:
        """From now on, later starts wait for this window to end, because it no longer answers."""
        self._server.close()

    def close(self) -> None:
        """Make room for another window."""
        self.stop_answering()
        self._lock.release()

    def _listen(self, path: Path) -> bool:
        QLocalServer.removeServer(str(path))  # of a window that was killed
        return self._server.listen(str(path))

    def _hear(self) -> None:
        while (connection := self._server.nextPendingConnection()) is not None:
            connection.deleteLater()
            self.asked_forward.emit()


def _answers(path: Path) -> bool:
    socket = QLocalSocket()
    socket.connectToServer(str(path))
    answered = socket.waitForConnected(_PATIENCE_MS)
    socket.abort()
    return answered


def _sockets(home: Path) -> Iterator[Path]:
    """Where the window's socket may be: in the library, which is its owner's alone.

    Where that path is too long, or its disk has no sockets, in a folder of the person's own.
    """
    home = home.resolve()  # the same whichever symbolic links lead to it
    inside = home / "window.sock"
    if len(os.fsencode(inside)) <= _LONGEST_PATH:
        yield inside
    own = _SHARED / f"overnight-{os.getuid()}"
    if _is_own(own):
        yield own / f"{hashlib.sha256(bytes(home)).hexdigest()[:16]}.sock"


def _is_own(folder: Path) -> bool:
    """Whether a folder is this person's and nobody else's; it is made where it is missing."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        info = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(info.st_mode) and info.st_uid == os.getuid() and not info.st_mode & 0o077
