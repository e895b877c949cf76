"""A line for a repository of the Hub: its name, or the address of its page pasted."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.style import Size, Space, sized
from app.text.error_text import trouble
from app.widgets.labels import button, paragraph
from app.widgets.text_fields import LineField
from mlx_backend.catalogue.repository_names import Sought, repository_of
from mlx_backend.errors import OvernightError


class RepositoryField(QWidget):
    """A field and a button; below them why what was typed names no repository."""

    named = Signal(str, str)
    """The repository, OWNER/NAME, and its revision; the field is empty again."""

    def __init__(self, sought: Sought, action: str) -> None:
        """`sought` is what the repository is to hold, `action` what the button does with it."""
        super().__init__()
        self._sought = sought
        self.field = LineField()
        self.field.setAccessibleName(f"Name of {sought.what} on the Hugging Face Hub")
        sized(self.field, lambda it: it.setFixedHeight(Size.CONTROL))
        self.go = button(action)
        self.go.setAccessibleName(f"{action} {sought.what} from the Hub")
        self.problem = paragraph(kind="warning")
        self.problem.hide()
        row = QHBoxLayout()
        row.setSpacing(Space.ONE)
        row.addWidget(self.field, 1)
        row.addWidget(self.go)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(Space.ONE)
        column.addLayout(row)
        column.addWidget(self.problem)
        self.go.setEnabled(False)
        self.field.textChanged.connect(self._take_text)
        self.field.returnPressed.connect(self._ask)
        self.go.clicked.connect(self._ask)

    def offer(self, text: str) -> None:
        """Put a name into the field, unless something is being typed there."""
        if not self.field.text().strip():
            self.field.setText(text)

    def _take_text(self, text: str) -> None:
        self.go.setEnabled(bool(text.strip()))
        self.problem.hide()

    def _ask(self) -> None:
        text = self.field.text().strip()
        if not text:
            return
        try:
            repository, revision = repository_of(text, self._sought)
        except OvernightError as error:
            self.problem.setText(trouble(error))
            self.problem.show()
            return
        self.field.clear()
        self.named.emit(repository, revision)
