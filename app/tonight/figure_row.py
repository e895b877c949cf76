"""Numbers side by side, each above its meaning."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.style import Space
from app.tonight.run_figures import Figure
from app.widgets.flow_layout import FlowLayout
from app.widgets.labels import label, tip


class FigureRow(QWidget):
    """A row of figures, which goes on in the next line where there is no room."""

    def __init__(self) -> None:
        super().__init__()
        self._flow = FlowLayout(self, Space.THREE, Space.ONE)
        self._cells: list[_Cell] = []

    def accessible_text(self) -> str:
        """All that is shown, in words."""
        return "; ".join(cell.accessibleName() for cell in self._cells if not cell.isHidden())

    def show_figures(self, figures: Sequence[Figure]) -> None:
        """Show these, reusing the labels there are."""
        while len(self._cells) < len(figures):
            cell = _Cell()
            self._flow.addWidget(cell)
            self._cells.append(cell)
        for index, cell in enumerate(self._cells):
            cell.setVisible(index < len(figures))
            if index < len(figures):
                cell.show_figure(figures[index])


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

    def show_figure(self, figure: Figure) -> None:
        self._value.setText(figure.value)
        self._meaning.setText(figure.meaning)
        self.setToolTip(tip(figure.source))
        self.setAccessibleName(f"{figure.value} {figure.meaning}")
