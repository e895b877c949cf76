"""One window a library: a second start brings the first window forward."""

from __future__ import annotations

import hashlib

from PySide6.QtCore import QObject, Signal
from PySide6.QtNetwork import QLocalServer, QLocalSocket

from mlx_backend.library import Library
from mlx_backend.locks import FileLock

_PATIENCE_MS = 2000
_CLOSING_S = 5.0


class SingleWindow(QObject):
    """Holds the library's window lock, and hears from later starts."""

    asked_forward = Signal()

    def __init__(self, library: Library, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lock = FileLock(library.window_lock)
        self._name = "overnight-" + hashlib.sha256(bytes(library.home)).hexdigest()[:16]
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.newConnection.connect(self._hear)

    def claim(self, patience: float = 0.0) -> bool:
        """Become the library's one window; False when there is one already."""
        if not self._lock.acquire(patience):
            return False
        QLocalServer.removeServer(self._name)  # of a window that was killed
        self._server.listen(self._name)
        return True

    def claim_after_closing(self) -> bool:
        """Wait for a window that does not answer since it is about to be gone, then `claim`."""
        return self.claim(_CLOSING_S)

    def call_forward(self) -> bool:
        """Ask the window that there is to come forward; False when it does not answer."""
        socket = QLocalSocket()
        socket.connectToServer(self._name)
        answered = socket.waitForConnected(_PATIENCE_MS)
        socket.abort()
        return answered

    def stop_answering(self) -> None:
        """From now on later starts wait for the end of this window, which cannot come forward."""
        self._server.close()

    def close(self) -> None:
        """Make room for another window."""
        self.stop_answering()
        self._lock.release()

    def _hear(self) -> None:
        while (connection := self._server.nextPendingConnection()) is not None:
            connection.deleteLater()
            self.asked_forward.emit()
