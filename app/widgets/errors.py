"""The one dialog for everything that went wrong."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app import icons
from app.reveal import open_path
from app.style import Size, Space, inset
from app.widgets.text import button, paragraph
from mlx_backend.errors import OvernightError


class ErrorDialog(QDialog):
    """Says what happened and what to do next; the log is one click away."""

    def __init__(
        self, parent: QWidget | None, error: OvernightError, log_path: Path | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Overnight")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.message = paragraph(error.message, "heading")
        self.hint = paragraph(error.hint)
        self.hint.setVisible(bool(error.hint))
        sign = QLabel()
        sign.setPixmap(icons.pixmap("warning", Size.BIG_ICON, QPalette.ColorRole.PlaceholderText))

        self.details = button("Show Details")
        self.details.setVisible(log_path is not None)
        self.details.clicked.connect(lambda: open_path(log_path) if log_path else None)
        close = button("OK", "primary")
        close.setDefault(True)
        close.clicked.connect(self.accept)
        buttons = QHBoxLayout()
        buttons.addWidget(self.details)
        buttons.addStretch()
        buttons.addWidget(close)

        words = QVBoxLayout()
        words.setSpacing(Space.ONE)
        words.addWidget(self.message)
        words.addWidget(self.hint)
        words.addStretch()
        top = QHBoxLayout()
        top.setSpacing(Space.TWO)
        top.addWidget(sign, alignment=Qt.AlignmentFlag.AlignTop)
        top.addLayout(words, 1)
        layout = QVBoxLayout(self)
        inset(layout, Space.THREE)
        layout.setSpacing(Space.THREE)
        layout.addLayout(top)
        layout.addLayout(buttons)
        self.ensurePolished()
        self.setFixedSize(Size.DIALOG, layout.totalHeightForWidth(Size.DIALOG))
        self.setAccessibleName(error.message)


def show_error(
    parent: QWidget | None, error: OvernightError, log_path: Path | None = None
) -> ErrorDialog:
    """Open the dialog over `parent` without waiting for it to close."""
    dialog = ErrorDialog(parent, error, log_path)
    dialog.open()
    return dialog


class Errors(QObject):
    """Shows errors over a window, one after the other, and none twice at a time."""

    def __init__(self, window: QWidget, log_path: Path) -> None:
        super().__init__(window)
        self._window = window
        self._log_path = log_path
        self._waiting: list[tuple[OvernightError, Path]] = []

    def show(self, error: OvernightError, log_path: Path | None = None) -> None:
        """Show an error now, or as soon as the one before is closed."""
        if any(error.message == known.message for known, _ in self._waiting):
            return
        self._waiting.append((error, log_path or self._log_path))
        if len(self._waiting) == 1:
            self._open_first()

    def _open_first(self) -> None:
        dialog = show_error(self._window, *self._waiting[0])
        dialog.finished.connect(self._closed)

    def _closed(self) -> None:
        self._waiting.pop(0)
        if self._waiting:
            self._open_first()
