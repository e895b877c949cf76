"""What the window remembers from one time to the next, besides what a person has set."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSettings


def window_state(home: Path) -> QSettings:
    """The file of a library; all that ask for it in one process see the same values."""
    return QSettings(str(home / "window.ini"), QSettings.Format.IniFormat)
