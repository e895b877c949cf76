"""Numbers side by side, each above its meaning."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.style import Space
from app.tonight.run_facts import Fact
from app.widgets.flow_layout import FlowLayout
from app.widgets.labels import label, tip


class FactRow(QWidget):
    """A row of facts, which goes on in the next line where there is no room."""

    def __init__(self) -> None:
        super().__init__()
        self._flow = FlowLayout(self, Space.THREE, Space.ONE)
        self._cells: list[_Cell] = []

    def accessible_text(self) -> str:
        """All that is shown, in words."""
        return "; ".join(cell.accessibleName() for cell in self._cells if not cell.isHidden())

    def show_facts(self, facts: Sequence[Fact]) -> None:
        """Show these, reusing the labels there are."""
        while len(self._cells) < len(facts):
            cell = _Cell()
            self._flow.addWidget(cell)
            self._cells.append(cell)
        for index, cell in enumerate(self._cells):
            cell.setVisible(index < len(facts))
            if index < len(facts):
                cell.show_fact(facts[index])


class _Cell(QWidget):
    def __init__(self) -> None:
        super().__init__()
        self._value = label(kind="large")
        self._meaning = label(kind="small")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._value)
        layout.addWidget(self._meaning)

    def show_fact(self, fact: Fact) -> None:
        self._value.setText(fact.value)
        self._meaning.setText(fact.meaning)
        self.setToolTip(tip(fact.source))
        self.setAccessibleName(f"{fact.value} {fact.meaning}")
