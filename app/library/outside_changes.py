"""What other programs change in the library shows in the open window by itself."""

from __future__ import annotations

import contextlib
import sqlite3

from PySide6.QtCore import QObject, QTimer, Signal

from app.library.background import Background
from mlx_backend.errors import OvernightError
from mlx_backend.library import Library

_LOOK_MS = 2_000

State = tuple[int, ...]


class OutsideChanges(QObject):
    """Looks now and then whether anybody but the window itself wrote to the library."""

    found = Signal()

    def __init__(
        self, library: Library, background: Background, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._library = library
        self._background = background
        self._seen: State | None = None
        self._again = QTimer(self, singleShot=True, interval=_LOOK_MS)
        self._again.timeout.connect(self.look)

    def look(self) -> None:
        """Look now, in the background, and again a while after that."""
        self._again.stop()
        self._background.call(self._state, self._take, self._take_none)

    def _state(self, connection: sqlite3.Connection) -> State:
        # SQLite counts what other connections wrote; of a folder, what was put in or taken out.
        (version,) = connection.execute("PRAGMA data_version").fetchone()
        changed = [version]
        for folder in (self._library.adapters, self._library.models, self._library.bin):
            with contextlib.suppress(OSError):
                changed.append(folder.stat().st_mtime_ns)
        return tuple(changed)

    def _take(self, state: State) -> None:
        is_new = self._seen not in (None, state)
        self._seen = state
        self._again.start()
        if is_new:
            self.found.emit()

    def _take_none(self, _: OvernightError) -> None:
        self._again.start()  # whatever needs the library says what is wrong with it
