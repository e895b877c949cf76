"""A quiet strip that says what was done and offers to undo it."""

from __future__ import annotations

from typing import Protocol

from PySide6.QtCore import QTimer, SignalInstance
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.style import Size, sized
from app.widgets.labels import button, paragraph
from app.widgets.strip import close_button, lay_out_strip

_SHOWN_MS = 8000


class History(Protocol):
    """Steps that can be undone."""

    @property
    def said(self) -> SignalInstance:
        """Emits a sentence, "" to show none, and whether to offer to undo the last step."""

    def undo(self) -> None:
        """Undo the last step."""


class UndoBar(QWidget):
    """Offers to undo the last step for a while. A missed offer loses nothing."""

    def __init__(self, history: History) -> None:
        super().__init__()
        self._timer = QTimer(self, singleShot=True, interval=_SHOWN_MS)
        self._timer.timeout.connect(self.hide)
        self.label = paragraph()
        self.button = button("Undo", "link")
        self.button.clicked.connect(history.undo)
        self.close_button = close_button()
        self.close_button.clicked.connect(self.dismiss)
        strip = lay_out_strip(self, self.label, self.button, self.close_button)
        sized(strip, lambda it: it.setMinimumHeight(Size.STRIP))
        # As high as its words need, and no higher.
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        history.said.connect(self._show)
        self.hide()

    def dismiss(self) -> None:
        """Show the offer no more; the step stays in the history."""
        self._timer.stop()
        self.hide()

    def _show(self, sentence: str, offers_undo: bool) -> None:
        if not sentence:
            self.dismiss()
            return
        self.label.setText(sentence)
        self.button.setVisible(offers_undo)
        self.show()
        if offers_undo:
            self._timer.start()
        else:
            self._timer.stop()  # what cannot be done stays until it is read
