"""What the window remembers from one time to the next, besides what a person has set."""

from __future__ import annotations

import logging
from pathlib import Path

from PySide6.QtCore import QSettings

from mlx_backend.json_file import put_aside

_log = logging.getLogger(__name__)


def window_state(home: Path) -> QSettings:
    """The file of a library; all that ask for it in one process see the same values."""
    path = home / "window.ini"
    state = QSettings(str(path), QSettings.Format.IniFormat)
    if state.status() == QSettings.Status.FormatError:
        _keep(path)
    return state


def _keep(path: Path) -> None:
    # Qt writes over what it cannot read. Only where the window was is lost with it.
    try:
        _log.warning("%s was damaged and is kept as %s", path, put_aside(path))
    except OSError:
        _log.warning("%s was damaged and could not be kept", path)
