"""Parts of a page side by side, with hairlines between them that can be moved."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

from PySide6.QtWidgets import QSplitter, QWidget

from app.style import sized


def columns(parts: Sequence[tuple[QWidget, Callable[[], int]]]) -> QSplitter:
    """The parts, each with its least width, which follows the zoom."""
    split = QSplitter()
    split.setChildrenCollapsible(False)
    split.setHandleWidth(1)
    for part, least in parts:
        sized(part, functools.partial(_widen, least))
        split.addWidget(part)
    return split


def _widen(least: Callable[[], int], part: QWidget) -> None:
    part.setMinimumWidth(least())
