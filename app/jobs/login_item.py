"""The login item that continues runs after a restart, where the person wants that."""

from __future__ import annotations

import sqlite3

from PySide6.QtCore import QObject

from app.library.background import Background
from app.library.preferences import Preferences
from mlx_backend.errors import OvernightError
from mlx_backend.library import Library
from mlx_backend.night.after_restart import go_on_after_restart


class LoginItem(QObject):
    """Follows the setting; one that the system refuses is switched off again, and that is said."""

    def __init__(
        self,
        preferences: Preferences,
        background: Background,
        library: Library,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._preferences = preferences
        self._background = background
        self._library = library
        self._wanted = preferences.settings.go_on_after_restart
        preferences.changed.connect(self._follow)

    def begin(self) -> None:
        """Bring it up to date: Overnight may have moved since it was made."""
        if self._wanted:
            self._write()

    def _follow(self) -> None:
        wanted = self._preferences.settings.go_on_after_restart
        if wanted != self._wanted:
            self._wanted = wanted
            self._write()

    def _write(self) -> None:
        wanted = self._wanted

        def write(_: sqlite3.Connection) -> None:
            go_on_after_restart(self._library, wanted)

        self._background.call(write, lambda _: None, self._refused)

    def _refused(self, error: OvernightError) -> None:
        if self._wanted:
            self._wanted = False
            self._preferences.change(go_on_after_restart=False)
        self._background.failed.emit(error)
