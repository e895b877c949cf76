"""Before the window closes, makes sure that all that was typed is saved."""

from __future__ import annotations

from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtWidgets import QWidget

from app.library.background import Background
from app.widgets.confirm_dialog import ConfirmDialog

_PATIENCE_MS = 2_000


def may_leave(window: QWidget, background: Background) -> bool:
    """Whether nothing is lost by closing `window` now, or the person closes it all the same."""
    if background.is_saving:
        _let_it_save(background)
    if not background.is_saving:
        return True
    dialog = ConfirmDialog(
        window,
        "What you typed is not saved yet",
        "The disk is full or cannot be written. Once there is room, Overnight saves it by itself;"
        " if you close now, what you typed last is lost.",
        "Close Anyway",
    )
    return bool(dialog.exec())


def _let_it_save(background: Background) -> None:
    loop = QEventLoop()
    QTimer.singleShot(_PATIENCE_MS, loop.quit)
    background.call(lambda _: None, lambda _: loop.quit())
    loop.exec(QEventLoop.ProcessEventsFlag.ExcludeUserInputEvents)
