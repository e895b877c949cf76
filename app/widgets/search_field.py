"""A field to search with."""

from __future__ import annotations

from PySide6.QtWidgets import QLineEdit

from app.style import Size, sized
from app.widgets import icons
from app.widgets.text_fields import LineField


def search_field(what: str) -> QLineEdit:
    """An empty one; `what` says what is searched."""
    field = LineField()
    field.setPlaceholderText(what)
    field.setAccessibleName(what)
    field.setClearButtonEnabled(True)
    sized(field, lambda it: it.setFixedHeight(Size.CONTROL))
    sized(field, lambda it: it.setMinimumWidth(Size.SHORT_FIELD))
    sized(field, lambda it: it.setMaximumWidth(Size.FIELD))
    field.addAction(icons.icon("search"), QLineEdit.ActionPosition.LeadingPosition)
    return field
