"""The names by which chats and mails call the person."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.library.background import Background
from app.style import Size, Space, sized
from app.text.clean_text import clean
from app.widgets.labels import label, paragraph
from app.widgets.text_fields import LineField
from mlx_backend.library.own_names import OwnNames


class OwnNamesField(QWidget):
    """One line with all names; what is typed is in force when the field is left."""

    changed = Signal()
    """The names changed, and with them who wrote which notes."""

    def __init__(self, background: Background) -> None:
        super().__init__()
        self._background = background
        self._names: list[str] = []
        self.line = LineField()
        sized(self.line, lambda it: it.setFixedHeight(Size.CONTROL))
        self.line.setPlaceholderText("Marta Lind, marta@example.org")
        self.line.setAccessibleName("Your names and addresses")
        self.line.editingFinished.connect(self._take)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(Space.HALF)
        layout.addWidget(label("Your names and addresses"))
        layout.addWidget(
            paragraph(
                "As chats and mails have them, with commas between. Training then tells your words"
                " from those of others.",
                "quiet",
            )
        )
        layout.addSpacing(Space.HALF)
        layout.addWidget(self.line)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._background.call(lambda db: OwnNames(db).all(), self._show)

    def _show(self, names: Sequence[str]) -> None:
        self._names = list(names)
        if not self.line.hasFocus():
            self.line.setText(", ".join(names))

    def _take(self) -> None:
        typed = clean(self.line.text()).split(",")
        names = [name.strip() for name in typed if name.strip()]
        if names != self._names:
            self._names = names
            self._background.keep(
                "own names", lambda db: OwnNames(db).set(names), lambda _: self.changed.emit()
            )
