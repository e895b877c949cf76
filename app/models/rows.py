"""What the lists of the page have in common: a hairline, a title with buttons, and lines below."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.style import Size, Space, sized
from app.widgets.labels import hairline, label, paragraph


class Row(QFrame):
    """One model: its title at the left, what can be done with it at the right, lines below."""

    def __init__(self, title: QWidget) -> None:
        super().__init__()
        self.controls = QHBoxLayout()
        self.controls.setSpacing(Space.ONE)
        top = QHBoxLayout()
        top.setSpacing(Space.TWO)
        top.addWidget(title, 1, Qt.AlignmentFlag.AlignVCenter)
        top.addLayout(self.controls)
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(0, 0, 0, Space.TWO)
        self.column.setSpacing(Space.HALF)
        self.column.addWidget(hairline())
        self.column.addSpacing(Space.ONE)
        self.column.addLayout(top)
        # As high with buttons as without.
        sized(title, lambda it: it.setMinimumHeight(Size.CONTROL))

    def add_line(self, text: str, kind: str = "quiet", indent: int = 0) -> QLabel:
        """Add a line of ours, which may break; "" adds one that is not shown."""
        line = label(text, kind)  # lighter than a paragraph, and a page has a hundred of them
        line.setWordWrap(True)
        line.setIndent(indent)
        return self._add(line, text)

    def add_text(self, text: str = "", kind: str = "quiet") -> QLabel:
        """Add a text that can be selected, and in which long words break; "" is not shown."""
        return self._add(paragraph(text, kind), text)

    def _add(self, line: QLabel, text: str) -> QLabel:
        self.column.addWidget(line)
        line.setVisible(bool(text))
        return line


class RowList(QWidget):
    """Rows below one another."""

    rows_changed = Signal()
    """Other rows are shown, or in another order."""

    def __init__(self) -> None:
        super().__init__()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(0)

    @property
    def rows(self) -> list[QWidget]:
        """The rows, from the top."""
        items = (self._column.itemAt(place) for place in range(self._column.count()))
        return [widget for item in items if item is not None and (widget := item.widget())]

    def show_rows(self, rows: Sequence[QWidget]) -> None:
        """Show these in this order; those that are there already stay as they are."""
        before = self.rows
        for gone in [row for row in before if row not in rows]:
            self._column.removeWidget(gone)
            gone.hide()
            gone.deleteLater()
        for place, row in enumerate(rows):
            if self._column.indexOf(row) != place:
                self._column.insertWidget(place, row)
                row.show()  # now, and not when the layout gets round to it
        self.setVisible(bool(rows))
        if before != list(rows):
            self.rows_changed.emit()
