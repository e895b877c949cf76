"""Parts of a page side by side, with hairlines between them that can be moved."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QSplitter, QWidget


def columns(parts: Sequence[tuple[QWidget, int]]) -> QSplitter:
    """The parts, each with its least width."""
    split = QSplitter()
    split.setChildrenCollapsible(False)
    split.setHandleWidth(1)
    for part, least in parts:
        part.setMinimumWidth(least)
        split.addWidget(part)
    return split
