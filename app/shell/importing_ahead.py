"""Imports what larger pages need before they are wanted, a module at a time between two events.

On the window's own thread: PySide makes its classes when they are first imported, and where another
thread does that while this one connects signals, the process may crash.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections import deque
from collections.abc import Sequence

from PySide6.QtCore import QObject, QTimer


class ImportingAhead(QObject):
    """Begins at once with all modules of these packages, and is done when none is left."""

    def __init__(self, packages: Sequence[str], parent: QObject) -> None:
        super().__init__(parent)
        self._left = deque(name for package in packages for name in _modules(package))
        self._next = QTimer(self, interval=0)
        self._next.timeout.connect(self._import_next)
        self._next.start()

    @property
    def is_done(self) -> bool:
        """Whether all modules are imported."""
        return not self._left

    def _import_next(self) -> None:
        if self._left:
            importlib.import_module(self._left.popleft())
        else:
            self._next.stop()


def _modules(package: str) -> list[str]:
    found = pkgutil.iter_modules(importlib.import_module(package).__path__)
    return [f"{package}.{module.name}" for module in found if not module.ispkg]
