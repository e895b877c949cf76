"""A progress bar for something that takes a while: how long it takes, and Cancel."""

from __future__ import annotations

import time

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QWidget

from app.style import Size, Space, sized
from app.text import amounts
from app.widgets.labels import button, label

_SECOND_MS = 1000
_ALMOST = 0.95  # an estimate never says that it is done


class MeasuringBar(QWidget):
    """Counts the seconds while it is shown, down where it is known how many there will be."""

    cancelled = Signal()

    def __init__(self, name: str) -> None:
        super().__init__()
        self._expected_s: float | None = None
        self._began = 0.0
        self.bar = QProgressBar()
        sized(self.bar, lambda it: it.setFixedWidth(Size.FIELD))
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName(name)
        self.text = label(kind="quiet")
        self.cancel = button("Cancel", "link")
        self.cancel.clicked.connect(self.cancelled)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(Space.TWO)
        for part in (self.bar, self.text, self.cancel):
            layout.addWidget(part)
        layout.addStretch()
        self._timer = QTimer(self, interval=_SECOND_MS)
        self._timer.timeout.connect(lambda: self.show_elapsed(time.monotonic() - self._began))

    def begin(self, expected_s: float | None) -> None:
        """Begin to count; `expected_s` is about how long it takes, if that is known."""
        self._expected_s = expected_s
        self._began = time.monotonic()
        self.show_elapsed(0.0)

    def show_elapsed(self, seconds: float) -> None:
        """Say how far it is after `seconds`."""
        if self._expected_s is None:
            self.bar.setRange(0, 0)
            self.text.setText(amounts.clock(seconds))
            return
        self.bar.setRange(0, 100)
        share = seconds / max(1.0, self._expected_s)
        self.bar.setValue(round(100 * min(share, _ALMOST)))
        left = self._expected_s - seconds
        self.text.setText(f"about {amounts.number(left)} s left" if left >= 1 else "almost done")

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._timer.start()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._timer.stop()
