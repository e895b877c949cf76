"""Above the notes: title, search, totals, the chips with their group, and the running import."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.jobs.imports import Imports
from app.library.background import Background
from app.notes.group_bar import GroupBar
from app.notes.groups import HELPS, NAMES
from app.notes.import_bar import ImportBar
from app.style import Space
from app.widgets.chips import Chips
from app.widgets.labels import button, label
from app.widgets.search_field import search_field
from app.widgets.segments import Segments


class NotesHeader(QWidget):
    """Holds these parts in their places; the page connects them."""

    def __init__(self, background: Background, imports: Imports) -> None:
        super().__init__()
        self.segments = Segments(("Notes", "Samples"), 0, "What to show")
        self.search = search_field("Search notes")
        self.add = button("Add Folder…")
        self.totals = label(kind="quiet")
        self.chips = Chips(NAMES, HELPS)
        self.group_bar = GroupBar(background)
        self.import_bar = ImportBar(imports)
        top = QHBoxLayout()
        top.setSpacing(Space.ONE)
        top.addWidget(label("Notes", "title"))
        top.addSpacing(Space.ONE)
        top.addWidget(self.segments)
        top.addStretch()
        top.addWidget(self.search)
        top.addWidget(self.add)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(Space.FOUR, Space.THREE, Space.FOUR, Space.TWO)
        layout.setSpacing(Space.ONE)
        layout.addLayout(top)
        for part in (self.totals, self.chips, self.group_bar, self.import_bar):
            layout.addWidget(part)
        self.chips.hide()
