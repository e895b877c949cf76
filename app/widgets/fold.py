"""A part of a page that is hidden until someone opens it."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QToolButton, QVBoxLayout, QWidget

from app.style import Size, Space, sized
from app.widgets import icons


class Fold(QWidget):
    """A button, and the content that it shows and hides."""

    def __init__(self, title: str, content: QWidget, is_small: bool = False) -> None:
        super().__init__()
        self.content = content
        self.button = QToolButton()
        self.button.setText(title)
        self.button.setCheckable(True)
        is_mirrored = self.layoutDirection() is Qt.LayoutDirection.RightToLeft
        kind = "fold" if is_small else "heading"
        self.button.setProperty("kind", f"{kind} mirrored" if is_mirrored else kind)
        self.button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        sized(self.button, lambda it: it.setIconSize(QSize(Size.ICON, Size.ICON)))
        self.button.toggled.connect(self._turn)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(Space.ONE if is_small else Space.TWO)
        layout.addWidget(self.button)
        layout.addWidget(content)
        self._turn(False)

    def _turn(self, is_open: bool) -> None:
        self.content.setVisible(is_open)
        self.button.setIcon(icons.icon("chevron-down" if is_open else "chevron"))
