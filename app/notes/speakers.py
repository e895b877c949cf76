"""Who the person is among the speakers of a chat or mail: asked once, where it matters."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.style import Space
from app.text.directions import isolated
from app.widgets.flow_layout import FlowLayout
from app.widgets.labels import button, on_button, paragraph

_MOST_SPEAKERS = 8
_LONGEST_NAME = 40


class NoteSpeakers(QWidget):
    """Names to choose from; hidden where there is nothing to ask."""

    own_name_chosen = Signal(str)
    """The name in the note that is the person's."""

    def __init__(self) -> None:
        super().__init__()
        self.question = paragraph()
        self.names = QWidget()
        self._flow = FlowLayout(self.names, Space.ONE)
        self._shown: tuple[str, ...] = ()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(Space.HALF)
        layout.addWidget(self.question)
        layout.addWidget(self.names)
        self.hide()

    def show_speakers(self, speakers: Sequence[str]) -> None:
        """Ask which of these the person is."""
        shown = tuple(speakers[:_MOST_SPEAKERS])
        self.setVisible(bool(shown))
        if shown == self._shown:
            return
        self._shown = shown
        while (item := self._flow.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.hide()
                old.deleteLater()
        for name in shown:
            self._flow.addWidget(self._choice(name))
        ask = "Is this you?" if len(shown) == 1 else "Which of these is you?"
        self.question.setText(f"{ask} Then training can tell your words from those of others.")

    def _choice(self, name: str) -> QWidget:
        text = name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}…"
        choice = button(on_button(isolated(text)), "chip")
        choice.setToolTip("From now on, what this name wrote in chats and mails is yours.")
        choice.clicked.connect(functools.partial(self.own_name_chosen.emit, name))
        return choice
