"""The one dialog for everything that went wrong."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.style import Size, Space, inset
from app.text.error_text import in_window
from app.widgets import icons
from app.widgets.labels import button, paragraph
from app.widgets.page_scroll import PageScroll
from app.widgets.reveal import SHOW, open_path
from mlx_backend.errors import OvernightError


class ErrorDialog(QDialog):
    """Says what happened and what to do next; the log, and a folder, are one click away."""

    def __init__(
        self,
        parent: QWidget | None,
        error: OvernightError,
        log_path: Path | None = None,
        folder: Path | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Overnight")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.message = paragraph(in_window(error.message), "heading")
        self.hint = paragraph(in_window(error.hint))
        self.hint.setVisible(bool(error.hint))
        self.details = button("Show Details")
        self.details.setVisible(log_path is not None)
        self.details.clicked.connect(lambda: open_path(log_path) if log_path else None)
        self.folder = button(SHOW)
        self.folder.setVisible(folder is not None)
        self.folder.clicked.connect(lambda: open_path(folder) if folder else None)
        self.ensurePolished()
        self._lay_out()
        self.setAccessibleName(error.message)

    def _lay_out(self) -> None:
        sign = QLabel()
        sign.setPixmap(icons.pixmap("warning", Size.BIG_ICON, QPalette.ColorRole.PlaceholderText))
        said = QWidget()
        words = QVBoxLayout(said)
        words.setContentsMargins(0, 0, 0, 0)
        words.setSpacing(Space.ONE)
        words.addWidget(self.message)
        words.addWidget(self.hint)
        words.addStretch()
        top = QHBoxLayout()
        top.setSpacing(Space.TWO)
        top.addWidget(sign, alignment=Qt.AlignmentFlag.AlignTop)
        top.addWidget(PageScroll(said), 1)
        buttons = self._buttons()
        layout = QVBoxLayout(self)
        inset(layout, Space.THREE)
        layout.setSpacing(Space.THREE)
        layout.addLayout(top)
        layout.addLayout(buttons)
        # As high as the text needs, but no higher than the screen.
        edge, beside = 2 * Space.THREE, sign.sizeHint().width() + Space.TWO
        told = words.totalHeightForWidth(Size.DIALOG - edge - beside)
        high = edge + max(told, sign.sizeHint().height()) + Space.THREE
        room = self.screen().availableGeometry().height() - Size.TITLE_BAR
        self.setFixedSize(Size.DIALOG, min(high + buttons.sizeHint().height(), room))

    def _buttons(self) -> QHBoxLayout:
        close = button("OK", "primary")
        close.setDefault(True)
        close.clicked.connect(self.accept)
        buttons = QHBoxLayout()
        buttons.addWidget(self.folder)
        buttons.addWidget(self.details)
        buttons.addStretch()
        buttons.addWidget(close)
        return buttons


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
