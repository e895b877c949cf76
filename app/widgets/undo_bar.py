"""A quiet strip that says what was done and offers to undo it."""

from __future__ import annotations

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.library.undo_history import UndoHistory
from app.style import Size, sized
from app.widgets.labels import button, paragraph
from app.widgets.strip import close_button, lay_out_strip

_SHOWN_MS = 8000


class UndoBar(QWidget):
    """Offers the last step of the history for a while. Passing by the offer loses nothing."""

    def __init__(self, history: UndoHistory) -> None:
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
