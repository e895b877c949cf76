"""Fields for a run that does not start at once: its start and its latest end."""

from __future__ import annotations

import datetime

from PySide6.QtCore import Qt, QTime, Signal
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QTimeEdit, QWidget

from app.style import Size, Space, sized
from app.text import amounts
from app.tonight.plan_story import Hours
from app.widgets.wheel_safe_fields import keep_still, pad
from mlx_backend.night.clock_times import next_time

_START = QTime(23, 0)
_FINISH = QTime(7, 0)


class WhenFields(QWidget):
    """Two quiet choices; without them a run starts at once and takes the time it needs."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.start = _Moment("Start at", _START)
        self.finish = _Moment("Finish by", _FINISH)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(Space.THREE)
        for moment in (self.start, self.finish):
            layout.addWidget(moment)
            moment.changed.connect(self.changed)
        layout.addStretch()

    def hours(self, longest: float, now: float) -> Hours:
        """What is chosen, as the next such times of day after the Unix time `now`."""
        today = datetime.datetime.fromtimestamp(now)
        start, finish = self.start.time(), self.finish.time()
        begins = next_time(start, today) if start else None
        ends = next_time(finish, begins or today) if finish else None
        return Hours(
            longest=longest,
            start_at=begins.timestamp() if begins else None,
            finish_by=ends.timestamp() if ends else None,
        )

    def clear(self) -> None:
        """Choose nothing."""
        for moment in (self.start, self.finish):
            moment.check.setChecked(False)


class _Moment(QWidget):
    """A choice, and the hour of the day that comes with it."""

    changed = Signal()

    def __init__(self, name: str, hour: QTime) -> None:
        super().__init__()
        self.check = QCheckBox(name)
        self.edit = QTimeEdit(hour)
        # Hours come before minutes everywhere; in a window from right to left Qt turns them round.
        self.edit.setLayoutDirection(Qt.LayoutDirection.LeftToRight)
        self.edit.setDisplayFormat(amounts.clock_format())
        self.edit.setAccessibleName(name)
        sized(self.edit, lambda it: it.setFixedHeight(Size.CONTROL))
        self.edit.setEnabled(False)
        keep_still(self.edit)
        pad(self.edit)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(Space.ONE)
        layout.addWidget(self.check)
        layout.addWidget(self.edit)
        self.check.toggled.connect(self.edit.setEnabled)
        self.check.toggled.connect(lambda _: self.changed.emit())
        self.edit.timeChanged.connect(lambda _: self.changed.emit())

    def time(self) -> datetime.time | None:
        """The hour, if it is chosen."""
        if not self.check.isChecked():
            return None
        chosen = self.edit.time()
        return datetime.time(chosen.hour(), chosen.minute())
