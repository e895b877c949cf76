"""The person's settings as the window holds them: changed at once, saved in the background."""

from __future__ import annotations

from pathlib import Path

import msgspec
from PySide6.QtCore import QObject, Signal

from app.background import Background
from mlx_backend.settings import Settings, load_settings, save_settings


class Preferences(QObject):
    """The present settings. `change` takes effect now and is on disk soon after."""

    changed = Signal()

    def __init__(self, path: Path, background: Background, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._path = path
        self._background = background
        self.settings: Settings = load_settings(path)

    def change(self, **fields: object) -> None:
        """Set some fields. Raises msgspec.ValidationError when a value is out of range."""
        wanted = msgspec.structs.asdict(self.settings) | fields
        settings = msgspec.convert(wanted, Settings)
        if settings == self.settings:
            return
        self.settings = settings
        self._background.call(lambda _: save_settings(self._path, settings), lambda _: None)
        self.changed.emit()
