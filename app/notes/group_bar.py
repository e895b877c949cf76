"""Explains the chosen group of notes, and undoes its steps for all notes at once."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.library.background import Background
from app.notes.groups import HELPS, STEPS, is_undone
from app.notes.language_choice import LanguageChoice
from app.style import Space
from app.widgets.labels import button, paragraph

_LANGUAGE = "language"


class GroupBar(QWidget):
    """Says what the chosen group is, and lets a step be undone for all notes at once."""

    undo_wanted = Signal(str, bool)
    """A group, and whether its steps are to be undone for all notes or to apply again."""

    def __init__(self, background: Background) -> None:
        super().__init__()
        self._background = background
        self._group = ""
        self._is_undone = False
        self.sentence = paragraph(kind="quiet")
        self.button = button("Use All Anyway", "link")
        self.button.clicked.connect(lambda: self.undo_wanted.emit(self._group, not self._is_undone))
        self.languages = LanguageChoice(background)
        row = QHBoxLayout()
        row.setSpacing(Space.ONE)
        row.addWidget(self.sentence, 1)
        row.addWidget(self.button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(Space.HALF)
        layout.addLayout(row)
        layout.addWidget(self.languages)
        self.hide()

    def show_group(self, group: str) -> None:
        """Explain a group; "" hides the bar."""
        self._group = group
        self.sentence.setText(HELPS.get(group, ""))
        self.button.hide()
        self.setVisible(bool(group))
        self.languages.setVisible(group == _LANGUAGE)
        if group == _LANGUAGE:
            self.languages.load()
        if group in STEPS:
            self._background.call(lambda db: is_undone(group, db), self._show_state)

    def _show_state(self, is_undone: bool) -> None:
        self._is_undone = is_undone
        use = "Keep Others' Words" if self._group == "authorship" else "Use All Anyway"
        self.button.setText("Leave Out Again" if is_undone else use)
        self.button.setVisible(self._group in STEPS)
