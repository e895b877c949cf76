"""A field to search with."""

from __future__ import annotations

from PySide6.QtWidgets import QLineEdit

from app import icons
from app.style import Size
from app.widgets.composing import LineField


def search_field(what: str) -> QLineEdit:
    """An empty one; `what` says what is searched."""
    field = LineField()
    field.setPlaceholderText(what)
    field.setAccessibleName(what)
    field.setClearButtonEnabled(True)
    field.setFixedHeight(Size.CONTROL)
    field.setMinimumWidth(Size.SHORT_FIELD)
    field.setMaximumWidth(Size.FIELD)
    field.addAction(icons.icon("search"), QLineEdit.ActionPosition.LeadingPosition)
    return field
