"""Fields that the mouse wheel does not change: it scrolls the page that they stand on."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QAbstractSlider, QAbstractSpinBox, QComboBox


class _PassOn(QObject):
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() != QEvent.Type.Wheel:
            return super().eventFilter(watched, event)
        event.ignore()  # so the widget behind it gets the event
        return True


def keep_still(field: QComboBox | QAbstractSpinBox | QAbstractSlider) -> None:
    """Have the wheel pass over a field, whether it has the focus or not."""
    field.installEventFilter(_PassOn(field))
