"""A segmented control: a few views of the same page, of which one is shown."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton

from app.style import Size, sized
from app.widgets.labels import button


class Segments(QFrame):
    """Names side by side; a click, or an arrow key, goes to another one."""

    chosen = Signal(int)
    """The place of the segment that the person chose."""

    def __init__(self, names: Sequence[str], chosen: int, what: str) -> None:
        super().__init__()
        self._chosen = chosen
        self.setProperty("kind", "segments")
        self.setAccessibleName(what)
        sized(self, lambda it: it.setFixedHeight(Size.CONTROL))
        row = QHBoxLayout(self)
        row.setContentsMargins(1, 1, 1, 1)
        row.setSpacing(0)
        self.buttons: list[QPushButton] = []
        for place, name in enumerate(names):
            segment = button(name, "segment")
            segment.setCheckable(True)
            sized(segment, lambda it: it.setFixedHeight(Size.SEGMENT))
            segment.setChecked(place == chosen)
            segment.clicked.connect(functools.partial(self._choose, place))
            segment.installEventFilter(self)
            row.addWidget(segment)
            self.buttons.append(segment)

    def choose(self, place: int) -> None:
        """Choose a segment without emitting `chosen`."""
        self._chosen = place
        for other, segment in enumerate(self.buttons):
            segment.setChecked(other == place)

    def take_focus(self) -> None:
        """Take the keyboard's focus over from the control of another view."""
        self.buttons[self._chosen].setFocus()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        # A button would take an arrow key for itself, and only move the focus.
        if not isinstance(event, QKeyEvent) or event.type() != QEvent.Type.KeyPress:
            return super().eventFilter(watched, event)
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        if step is None:
            return super().eventFilter(watched, event)
        if 0 <= self._chosen + step < len(self.buttons):
            self._choose(self._chosen + step)
        return True

    def _choose(self, place: int) -> None:
        # Each view has a control of its own, which goes on saying which view it belongs to.
        for other, segment in enumerate(self.buttons):
            segment.setChecked(other == self._chosen)
        if place != self._chosen:
            self.chosen.emit(place)
