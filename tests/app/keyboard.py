"""What a person's keyboard, clipboard and input method send to a field."""

from __future__ import annotations

from PySide6.QtCore import QMimeData
from PySide6.QtGui import QGuiApplication, QInputMethodEvent, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget


def compose(field: QWidget, preedit: str) -> None:
    """An input method shows `preedit` in the field, which is not there for good yet."""
    QApplication.sendEvent(field, QInputMethodEvent(preedit, []))


def commit(field: QWidget, text: str) -> None:
    """The input method puts text in place of what it composed."""
    event = QInputMethodEvent("", [])
    event.setCommitString(text)
    QApplication.sendEvent(field, event)


def paste(field: QWidget, text: str) -> None:
    """The clipboard's text, put in with the keys."""
    data = QMimeData()
    data.setText(text)
    QGuiApplication.clipboard().setMimeData(data)
    QTest.keySequence(field, QKeySequence(QKeySequence.StandardKey.Paste))
