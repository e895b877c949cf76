"""Pairs of a name and a value, one below the other."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFormLayout, QLabel, QWidget

from app.style import Space
from app.widgets.labels import label


class Facts(QWidget):
    """What there is to know of one thing; values can be selected and copied."""

    def __init__(self) -> None:
        super().__init__()
        self._form = QFormLayout(self)
        self._form.setContentsMargins(0, 0, 0, 0)
        self._form.setHorizontalSpacing(Space.THREE)
        self._form.setVerticalSpacing(Space.ONE)
        self._form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        self._form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
        self._form.setFormAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)

    def show_facts(self, facts: Sequence[tuple[str, str]]) -> None:
        """Show these pairs."""
        while self._form.rowCount():
            self._form.removeRow(0)
        for name, value in facts:
            # Both can be selected, because such text is drawn a pixel higher than other text.
            self._form.addRow(_selectable(name, "quiet"), _selectable(value, "body"))


def _selectable(text: str, kind: str) -> QLabel:
    made = label(text, kind)
    made.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return made
