"""Fields that the mouse wheel passes over: it scrolls the page and changes no value."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QAbstractSlider, QAbstractSpinBox, QComboBox, QLineEdit

from app.style import Space


class _PassOn(QObject):
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() != QEvent.Type.Wheel:
            return super().eventFilter(watched, event)
        event.ignore()  # so the widget behind it gets the event
        return True


def keep_still(field: QComboBox | QAbstractSpinBox | QAbstractSlider) -> None:
    """Let the wheel pass over a field, whether it has the focus or not."""
    field.installEventFilter(_PassOn(field))


def pad(field: QAbstractSpinBox) -> None:
    """Keep what is typed off a field's edges; the padding of style sheets does not reach it."""
    for inner in field.findChildren(QLineEdit):
        inner.setTextMargins(Space.HALF, 0, Space.HALF, 0)
