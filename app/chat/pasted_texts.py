"""Long texts that were pasted into a question: too long for its field, and kept whole above it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.style import Space
from app.text import amounts
from app.widgets.elided import Elided
from app.widgets.labels import button, label

_BEGINNING = 200  # characters


class PastedTexts(QWidget):
    """A line for each text: how it begins, how long it is, and Remove or Put Back."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[PastedRow] = []
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(Space.HALF)
        self.hide()

    @property
    def texts(self) -> list[str]:
        """Those that belong to the question, in order."""
        return [row.text for row in self.rows if not row.is_removed]

    def add(self, text: str) -> None:
        """Add a text."""
        self._append(text)
        self.changed.emit()

    def set_texts(self, texts: Sequence[str]) -> None:
        """Show these texts, and no others."""
        for row in self.rows:
            self._layout.removeWidget(row)
            row.deleteLater()
        had, self.rows = bool(self.rows), []
        for text in texts:
            self._append(text)
        self.setVisible(bool(self.rows))
        if had or texts:
            self.changed.emit()

    def _append(self, text: str) -> None:
        row = PastedRow(text)
        row.changed.connect(self.changed)
        self.rows.append(row)
        self._layout.addWidget(row)
        self.show()


class PastedRow(QWidget):
    """One text."""

    changed = Signal()

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text
        self.is_removed = False
        beginning = " ".join(text[:_BEGINNING].split())
        self.words = Elided(f"“{beginning}…”", Qt.TextElideMode.ElideRight)
        self.words.setToolTip("")
        self.length = label(kind="quiet")
        self.remove = button("Remove", "link")
        self.remove.clicked.connect(self._toggle)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(Space.ONE)
        layout.addWidget(self.words, 1)
        layout.addWidget(self.length)
        layout.addWidget(self.remove)
        self._show()

    def _toggle(self) -> None:
        self.is_removed = not self.is_removed
        self._show()
        self.changed.emit()

    def _show(self) -> None:
        length = amounts.count(len(self.text), "character")
        self.words.setEnabled(not self.is_removed)
        self.length.setText(f"Removed, {length}" if self.is_removed else f"Pasted, {length}")
        self.remove.setText("Put Back" if self.is_removed else "Remove")
