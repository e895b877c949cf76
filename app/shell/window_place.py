"""Where the window opens, and how large: as it was left, but never larger than the screen."""

from __future__ import annotations

from PySide6.QtCore import QByteArray, QRect, QSettings, QSize
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from app.style import Size

_KEY = "geometry"


def restore(window: QWidget, state: QSettings) -> None:
    """Give a window that is not shown yet its least size, and the size and place it had."""
    least = QSize(*Size.WINDOW_LEAST)
    window.setMinimumSize(least.boundedTo(_room(window).size()))
    left_as = state.value(_KEY)
    if not (isinstance(left_as, QByteArray) and window.restoreGeometry(left_as)):
        window.resize(QSize(*Size.WINDOW).boundedTo(_room(window).size()))
    elif not (window.isMaximized() or window.isFullScreen()):
        window.setGeometry(fitted(window.geometry(), _room(window)))


def save(window: QWidget, state: QSettings) -> None:
    """Remember size and place."""
    state.setValue(_KEY, window.saveGeometry())


def fitted(wanted: QRect, room: QRect) -> QRect:
    """`wanted`, no larger than `room` and moved into it."""
    size = wanted.size().boundedTo(room.size())
    left = max(room.left(), min(wanted.left(), room.right() + 1 - size.width()))
    top = max(room.top(), min(wanted.top(), room.bottom() + 1 - size.height()))
    return QRect(left, top, size.width(), size.height())


def _room(window: QWidget) -> QRect:
    """What a screen leaves between its bars for a window, without the window's own frame."""
    screen = QGuiApplication.screenAt(window.geometry().center()) or window.screen()
    edge = Size.WINDOW_EDGE
    return screen.availableGeometry().adjusted(edge, Size.TITLE_BAR, -edge, -edge)
