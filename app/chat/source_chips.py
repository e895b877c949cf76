"""Where an answer is from: a quiet chip for each note, which opens it at the place."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QPushButton, QWidget

from app.style import Size, Space
from app.text import amounts
from app.text.directions import isolated
from app.widgets.flow_layout import FlowLayout
from app.widgets.labels import button, on_button, tip
from mlx_backend.protocol import Citation


class SourceChips(QWidget):
    """One chip for each source; nothing where there is none."""

    chosen = Signal(object)
    """The Citation of the chip that was clicked."""

    def __init__(self) -> None:
        super().__init__()
        self._shown: tuple[tuple[Citation, ...], str] = ((), "")
        self.chips: list[QPushButton] = []
        self._flow = FlowLayout(self, Space.ONE)
        self.hide()

    def show_sources(self, sources: Sequence[Citation], lead: str = "From: ") -> None:
        """Show these, each with `lead` before the title of its note."""
        self.setVisible(bool(sources))
        if (tuple(sources), lead) == self._shown:
            return
        self._shown = (tuple(sources), lead)
        for chip in self.chips:
            self._flow.removeWidget(chip)
            chip.deleteLater()
        self.chips = [self._chip(source, lead) for source in sources]

    def _chip(self, source: Citation, lead: str) -> QPushButton:
        chip = button("", "source")
        # A long title is shortened to the room there is.
        title = chip.fontMetrics().elidedText(
            " ".join(source.title.split()), Qt.TextElideMode.ElideRight, Size.FIELD
        )
        chip.setText(on_button(f"{lead}{isolated(title)}"))
        chip.setToolTip(tip(amounts.path(source.path)))
        chip.setAccessibleName(f"From the note {source.title}. Opens it.")
        chip.setCursor(Qt.CursorShape.PointingHandCursor)
        chip.clicked.connect(functools.partial(self._choose, source))
        self._flow.addWidget(chip)
        chip.show()
        return chip

    def _choose(self, source: Citation) -> None:
        self.chosen.emit(source)
