"""A row of chips, each a filter with its number; one at a time can be chosen."""

from __future__ import annotations

import functools
from collections.abc import Mapping

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QPushButton, QWidget

from app.style import Space
from app.text import amounts
from app.widgets.flow_layout import FlowLayout
from app.widgets.labels import button, tip


class Chips(QWidget):
    """Chips whose number is zero are hidden, except for the chosen one.

    `names` are the words after the number 1, and after any other number.
    """

    chosen = Signal(str)
    """The key of the chosen chip; "" when none is."""

    def __init__(self, names: Mapping[str, tuple[str, str]], helps: Mapping[str, str]) -> None:
        super().__init__()
        self._names = dict(names)
        self._buttons: dict[str, QPushButton] = {}
        self._chosen = ""
        layout = FlowLayout(self, Space.ONE)
        for key, name in names.items():
            chip = button(amounts.count(0, *name), "chip")
            chip.setCheckable(True)
            chip.setToolTip(tip(helps[key]))
            chip.clicked.connect(functools.partial(self._click, key))
            chip.hide()
            self._buttons[key] = chip
            layout.addWidget(chip)

    @property
    def key(self) -> str:
        """The key of the chosen chip; "" when none is."""
        return self._chosen

    def chip(self, key: str) -> QPushButton:
        """The button of a chip."""
        return self._buttons[key]

    def show_counts(self, counts: Mapping[str, int]) -> None:
        """Say how many there are of each."""
        for key, chip in self._buttons.items():
            number = counts.get(key, 0)
            chip.setText(amounts.count(number, *self._names[key]))
            chip.setVisible(number > 0 or key == self._chosen)
        self.setVisible(any(not chip.isHidden() for chip in self._buttons.values()))

    def choose(self, key: str) -> None:
        """Choose a chip, or none with ""."""
        self._chosen = key
        for other, chip in self._buttons.items():
            chip.setChecked(other == key)
        self.chosen.emit(key)

    def _click(self, key: str) -> None:
        self.choose(key if self._buttons[key].isChecked() else "")
