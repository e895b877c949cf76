"""Says what the library takes on the disk, and how much of that is in the bin."""

from __future__ import annotations

import sqlite3

from PySide6.QtGui import QShowEvent

from app.library.background import Background
from app.text import amounts
from app.widgets.labels import Label
from mlx_backend.files import folder_bytes
from mlx_backend.library import Library
from mlx_backend.library.bin import Bin


class LibrarySpace(Label):
    """One line, measured in the background whenever it comes into view."""

    def __init__(self, library: Library, background: Background) -> None:
        super().__init__()
        self._library = library
        self._background = background
        self.setProperty("kind", "quiet")
        self.setWordWrap(True)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()

    def refresh(self) -> None:
        """Measure, then show."""
        self._background.call(self._measure, self._show)

    def _measure(self, db: sqlite3.Connection) -> tuple[int, int]:
        in_bin = sum(item.bytes for item in Bin(self._library, db).items())
        return folder_bytes(self._library.home), in_bin

    def _show(self, measured: tuple[int, int]) -> None:
        total, in_bin = measured
        of_which = f"{amounts.size(in_bin)} of that in the bin" if in_bin else "nothing in the bin"
        self.setText(f"The library takes {amounts.size(total)}, {of_which}.")
