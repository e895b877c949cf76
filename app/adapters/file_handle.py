"""A file that can be taken out of the window: dragged with the mouse, or copied."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QMimeData, QPoint, QSize, Qt, QUrl
from PySide6.QtGui import QDrag, QGuiApplication, QMouseEvent
from PySide6.QtWidgets import QApplication, QToolButton, QToolTip

from app.style import Size, sized
from app.text.directions import in_sentence
from app.widgets import icons
from app.widgets.labels import on_button, tip

_HELP = "Drag this file to a mail, a chat or a folder. A click copies it."


class FileHandle(QToolButton):
    """Shows a file's name. What leaves the window is the file itself, and it stays where it is."""

    def __init__(self) -> None:
        super().__init__()
        self._path = Path()
        self._pressed_at: QPoint | None = None
        self.setAccessibleName("Copy the file")
        self.setIcon(icons.icon("notes"))
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.setCursor(Qt.CursorShape.OpenHandCursor)
        sized(self, lambda it: it.setIconSize(QSize(Size.ICON, Size.ICON)))
        self.clicked.connect(self._copy)

    def show_file(self, path: Path) -> None:
        """Be the handle of this file."""
        self._path = path
        middle = Qt.TextElideMode.ElideMiddle
        self.setText(on_button(self.fontMetrics().elidedText(path.name, middle, Size.FIELD)))
        self.setToolTip(tip(f"{path}\n{_HELP}"))
        self.setAccessibleName(f"Copy the file {path.name}")
        self.setAccessibleDescription(in_sentence(_HELP))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        super().mousePressEvent(event)
        if event.button() == Qt.MouseButton.LeftButton:
            self._pressed_at = event.position().toPoint()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._pressed_at is None:
            return  # else a button that was dragged would be pressed again by the next move
        super().mouseMoveEvent(event)
        way = event.position().toPoint() - self._pressed_at
        is_held = bool(event.buttons() & Qt.MouseButton.LeftButton)
        if is_held and way.manhattanLength() >= QApplication.startDragDistance():
            self._pressed_at = None
            self.setDown(False)  # it was no click
            self._drag()

    def _drag(self) -> None:
        drag = QDrag(self)
        drag.setMimeData(self.data())
        ratio = self.devicePixelRatioF()
        drag.setPixmap(icons.pixmap("notes", Size.BIG_ICON, self.foregroundRole(), ratio))
        drag.exec(Qt.DropAction.CopyAction)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setMimeData(self.data())
        QToolTip.showText(self.mapToGlobal(self.rect().bottomLeft()), "Copied", self)

    def data(self) -> QMimeData:
        """What leaves the window: the address of the file."""
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(self._path))])
        return data
