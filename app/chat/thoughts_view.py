"""What a model thought aloud before it answered, folded away."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.style import Space, Type, sized
from app.widgets import icons
from app.widgets.fitted_text import FittedText
from app.widgets.labels import button, indented

THOUGHTS = "thoughts"
"""The kind of the field that shows them; they are not searched with the conversation."""

_TOLD = (
    "What the model thought before it answered. It is no part of the answer, and it is not stored:"
    " it is gone when you open another conversation or close the window."
)


class ThoughtsView(QWidget):
    """A small button, and the thoughts below it; shut until someone opens it."""

    def __init__(self) -> None:
        super().__init__()
        self._thoughts = ""
        self.button = button("Thoughts", "footnote")
        self.button.setCheckable(True)
        self.button.setToolTip(_TOLD)
        self.button.setAccessibleDescription(_TOLD)
        sized(self.button, lambda it: it.setIconSize(QSize(Type.SMALL, Type.SMALL)))
        self.button.toggled.connect(lambda _: self._show())
        self.text = FittedText()
        self.text.setProperty("kind", THOUGHTS)
        self.text.setAccessibleName("Thoughts")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, Space.HALF)
        layout.setSpacing(Space.HALF)
        layout.addWidget(self.button, alignment=Qt.AlignmentFlag.AlignLeft)
        layout.addWidget(indented(self.text, Space.TWO))
        self._show()

    def show_thoughts(self, thoughts: str) -> None:
        """Show these, or nothing at all where there are none."""
        if thoughts != self._thoughts:
            self._thoughts = thoughts
            self._show()

    def _show(self) -> None:
        is_open = self.button.isChecked()
        self.setVisible(bool(self._thoughts))
        self.button.setIcon(icons.icon("chevron-down" if is_open else "chevron"))
        self.text.setVisible(is_open)
        if is_open:  # while it is shut, nobody pays for laying it out
            self.text.show_plain(self._thoughts.strip())
