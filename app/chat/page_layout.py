"""Where the parts of the chat page stand, and the keys that reach them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.chat.conversation_sidebar import ConversationSidebar
from app.style import Space
from app.widgets.labels import hairline, label


@dataclass(frozen=True)
class PageParts:
    """The widgets of the page; `column`: what stands below each other beside the conversations."""

    sidebar: ConversationSidebar
    header: tuple[QWidget, ...]
    column: tuple[QWidget, ...]
    middle: QWidget


def lay_out(page: QWidget, parts: PageParts) -> None:
    """Conversations on the left; at their side the column, whose middle takes what is left."""
    header = QHBoxLayout()
    header.setContentsMargins(Space.FOUR, Space.THREE, Space.FOUR, Space.TWO)
    header.addWidget(label("Chat", "title"))
    header.addStretch()
    for widget in parts.header:
        header.addSpacing(Space.ONE)
        header.addWidget(widget)
    talk = QVBoxLayout()
    talk.setSpacing(0)
    for widget in parts.column:
        talk.addWidget(widget, 1 if widget is parts.middle else 0)
    body = QHBoxLayout()
    body.setSpacing(0)
    body.addWidget(parts.sidebar)
    body.addWidget(hairline(vertical=True))
    body.addLayout(talk, 1)
    layout = QVBoxLayout(page)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(0)
    layout.addLayout(header)
    layout.addWidget(hairline())
    layout.addLayout(body, 1)


def add_shortcuts(page: QWidget, sidebar: ConversationSidebar, stop: Callable[[], object]) -> None:
    """Escape stops the answer; others search, and go from one conversation to the next."""
    for keys, act in (
        ("Ctrl+Shift+F", sidebar.search.setFocus),
        ("Ctrl+Shift+[", lambda: sidebar.step(-1)),
        ("Ctrl+Shift+]", lambda: sidebar.step(1)),
        ("Ctrl+PgUp", lambda: sidebar.step(-1)),
        ("Ctrl+PgDown", lambda: sidebar.step(1)),
        (QKeySequence(Qt.Key.Key_Escape), stop),
    ):
        shortcut = QShortcut(QKeySequence(keys), page)
        shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        shortcut.activated.connect(act)
