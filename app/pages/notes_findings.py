"""What was found about a note, a sentence each, with the way to undo it."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.style import Space
from app.widgets.text import button, paragraph
from mlx_backend.library.browsing import SECRETS
from mlx_backend.library.findings import Reason


class NoteFindings(QWidget):
    """One line for each finding that changes what is taught."""

    undo_wanted = Signal(str, bool)
    """A step, and whether it is to be undone for this note, or to hold again."""

    def __init__(self) -> None:
        super().__init__()
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(0)
        self._shown: tuple[Reason, ...] = ()

    def show_reasons(self, reasons: Sequence[Reason]) -> None:
        """Show these."""
        shown = tuple(reason for reason in reasons if reason.leaves_out or reason.spans)
        if shown == self._shown:
            return
        self._shown = shown
        while (item := self._layout.takeAt(0)) is not None:
            if (line := item.widget()) is not None:
                line.hide()
                line.deleteLater()
        for reason in shown:
            self._layout.addWidget(self._line(reason))
        self.setVisible(bool(shown))

    def _line(self, reason: Reason) -> QWidget:
        line = QWidget()
        undo = button(_action(reason), "link")
        undo.setAccessibleDescription(reason.sentence)
        undo.clicked.connect(
            functools.partial(self.undo_wanted.emit, reason.step, not reason.undone)
        )
        row = QHBoxLayout(line)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(Space.ONE)
        row.addWidget(paragraph(reason.sentence, "quiet" if reason.undone else "body"), 1)
        row.addWidget(undo)
        return line


def _action(reason: Reason) -> str:
    """What the button says; it turns to and fro."""
    if reason.step == SECRETS:
        return "Mask Again" if reason.undone else "Do Not Mask"
    if reason.leaves_out:
        return "Leave Out Again" if reason.undone else "Use Anyway"
    return "Leave Out Again" if reason.undone else "Keep It"
