"""The person's settings as the window holds them: changed at once, saved in the background."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import msgspec
from PySide6.QtCore import QFileSystemWatcher, QObject, QTimer, Signal

from app.library.background import Background
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.settings import Settings, change_settings, load_settings, mend_settings

_LOOK_MS = 100


class Preferences(QObject):
    """The present settings. `change` takes effect now and is on disk soon after.

    What another program changes on disk is taken over, and never undone by a change here.
    """

    changed = Signal()

    def __init__(self, path: Path, background: Background, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._path = path
        self._background = background
        self._unsaved: dict[str, object] = {}
        self.damage: str = mend_settings(path)
        """What to tell the person of a file that was damaged; "" where it was not."""
        self.settings: Settings = load_settings(path)
        self._look = QTimer(self, singleShot=True, interval=_LOOK_MS)
        self._look.timeout.connect(self._read)
        self._disk = QFileSystemWatcher(self)
        self._disk.directoryChanged.connect(lambda _: self._look.start())
        self._disk.fileChanged.connect(lambda _: self._look.start())
        self._watch()

    def change(self, **fields: object) -> None:
        """Set some fields. Raises msgspec.ValidationError when a value is out of range."""
        wanted = msgspec.structs.asdict(self.settings) | fields
        settings = msgspec.convert(wanted, Settings)
        if settings == self.settings:
            return
        self.settings = settings
        self._unsaved |= fields
        self._background.keep("settings", self._save, self._take_saved)
        self.changed.emit()

    def _save(self, _: sqlite3.Connection) -> tuple[Settings, str]:
        """Write what is not written yet; in the background, so that nothing is written twice."""
        fields = dict(self._unsaved)
        damage = mend_settings(self._path)
        on_disk = change_settings(self._path, **fields)
        for name, value in fields.items():
            if self._unsaved.get(name) == value:
                self._unsaved.pop(name, None)
        return on_disk, damage

    def _watch(self) -> None:
        # Both: a file that was replaced is watched no longer, and a folder does not tell of writes.
        watched = {*self._disk.files(), *self._disk.directories()}
        for path in (self._path.parent, self._path):
            if str(path) not in watched and path.exists():
                self._disk.addPath(str(path))

    def _read(self) -> None:
        self._watch()
        self._background.call(lambda _: load_settings(self._path), self._take)

    def _take_saved(self, outcome: tuple[Settings, str]) -> None:
        on_disk, damage = outcome
        if damage:
            self._background.failed.emit(OvernightError(ErrorKind.UNREADABLE, damage))
        self._take(on_disk)

    def _take(self, on_disk: Settings) -> None:
        settings = msgspec.structs.replace(on_disk, **self._unsaved)
        if settings != self.settings:
            self.settings = settings
            self.changed.emit()
