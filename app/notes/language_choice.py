"""The languages of the notes, each to be used or left out."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QWidget

from app.library.background import Background
from app.style import Space
from app.text import amounts
from app.widgets.flow_layout import FlowLayout
from mlx_backend.library.languages import Language, Languages


class LanguageChoice(QWidget):
    """A tick for each language: the ticked ones are used."""

    use_wanted = Signal(object, bool)
    """A Language whose notes are to be used, or to be left out."""

    def __init__(self, background: Background) -> None:
        super().__init__()
        self._background = background
        self._shown: list[Language] = []
        self._flow = FlowLayout(self, Space.TWO)
        self.ticks: dict[str, QCheckBox] = {}

    def load(self) -> None:
        """Show what is known now."""
        self._background.call(lambda db: Languages(db).all(), self._show)

    def _show(self, languages: Sequence[Language]) -> None:
        is_same = [_counted(each) for each in languages] == [_counted(each) for each in self._shown]
        self._shown = list(languages)
        if is_same:  # a tick keeps the focus
            for language in languages:
                self.ticks[language.code].setChecked(not language.is_left_out)
            return
        while (item := self._flow.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.hide()
                old.deleteLater()
        self.ticks = {language.code: self._tick(language) for language in languages}
        for tick in self.ticks.values():
            self._flow.addWidget(tick)

    def _tick(self, language: Language) -> QCheckBox:
        tick = QCheckBox(f"{language.name} ({amounts.count(language.notes, 'note')})")
        tick.setChecked(not language.is_left_out)
        tick.setToolTip("Used for training when ticked")
        tick.clicked.connect(lambda on: self.use_wanted.emit(language, on))
        return tick


def _counted(language: Language) -> tuple[str, int]:
    return language.code, language.notes


def set_language(code: str, use: bool, db: sqlite3.Connection) -> None:
    """Use the notes of a language for training, or leave them out."""
    (Languages(db).use if use else Languages(db).leave_out)(code)
