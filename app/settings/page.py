"""Settings, built from their declaration."""

from __future__ import annotations

import functools
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QGridLayout, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from app.bin.library_space import LibrarySpace
from app.jobs.local_server import LocalServer
from app.library.background import Background
from app.library.preferences import Preferences
from app.library.undo_history import UndoHistory
from app.settings.fields import Declared, declared_settings, make_field, set_value
from app.settings.judged_answers import JudgedAnswers
from app.settings.own_names import OwnNamesField
from app.settings.server_switch import ServerSwitch
from app.style import Size, Space, inset, sized
from app.widgets.fold import Fold
from app.widgets.labels import button, hairline, label, paragraph
from app.widgets.reveal import SHOW, open_path
from app.widgets.undo_bar import UndoBar
from mlx_backend.library import Library
from mlx_backend.settings import OTHER_PROGRAMS

_FOLDED = "Details"
# Chosen on the page of models, where there is more to know of each.
_ELSEWHERE = {"base_model"}


class SettingsPage(QWidget):
    """One row a setting; a change is in force and saved at once."""

    def __init__(
        self,
        preferences: Preferences,
        home: Path,
        background: Background,
        history: UndoHistory,
        server: LocalServer,
    ) -> None:
        super().__init__()
        self.space = LibrarySpace(Library(home), background)
        self._preferences = preferences
        self.own_names = OwnNamesField(background)
        self.server = ServerSwitch(server)
        self.judged = JudgedAnswers(background, history)
        self.undo_bar = UndoBar(history)
        self.fields: dict[str, QWidget] = {}
        content = QWidget()
        sized(content, lambda it: it.setMaximumWidth(Size.READING + 2 * Space.FOUR))
        self._column = QVBoxLayout(content)
        inset(self._column, Space.FOUR)
        self._column.setSpacing(Space.TWO)
        self._column.addWidget(label("Settings", "title"))
        groups = _by_group()
        of_server = groups.pop(OTHER_PROGRAMS)
        for group in sorted(groups, key=_FOLDED.__eq__):
            if group == _FOLDED:
                self._add_own_names()
                self._column.addWidget(hairline())
                self._column.addWidget(label("Answers you judged", "heading"))
                self._column.addWidget(self.judged)
            self._add_group(group, groups[group])
        self._add_server(of_server)
        self._add_library(home)
        self._column.addStretch()
        scroll = QScrollArea()
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # it follows the fields
        scroll.setWidget(content)
        scroll.setWidgetResizable(True)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addWidget(scroll)
        outer.addWidget(self.undo_bar)
        preferences.changed.connect(self._show_values)

    def _add_own_names(self) -> None:
        self._column.addWidget(hairline())
        self._column.addWidget(label("You", "heading"))
        self._column.addWidget(self.own_names)

    def _add_server(self, settings: list[Declared]) -> None:
        self._column.addWidget(hairline())
        self._column.addWidget(label(OTHER_PROGRAMS, "heading"))
        self._column.addWidget(self.server)
        self._column.addWidget(self._rows(settings))

    def _rows(self, settings: list[Declared]) -> QWidget:
        rows = QWidget()
        grid = QGridLayout(rows)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(Space.THREE)
        grid.setVerticalSpacing(Space.TWO)
        grid.setColumnStretch(0, 1)
        for row, declared in enumerate(settings):
            self._add_row(grid, row, declared)
        return rows

    def _add_group(self, group: str, settings: list[Declared]) -> None:
        rows = self._rows(settings)
        self._column.addWidget(hairline())
        if group == _FOLDED:
            self._column.addWidget(Fold(group, rows))
        else:
            self._column.addWidget(label(group, "heading"))
            self._column.addWidget(rows)

    def _add_row(self, grid: QGridLayout, row: int, declared: Declared) -> None:
        words = QVBoxLayout()
        words.setSpacing(Space.HALF)
        words.addWidget(label(declared.title))
        words.addWidget(paragraph(declared.help, "quiet"))
        grid.addLayout(words, row, 0)
        value = getattr(self._preferences.settings, declared.name)
        field = make_field(declared, value, functools.partial(self._change, declared.name))
        if isinstance(field, QCheckBox):
            sized(field, lambda it: it.setFixedHeight(Size.CONTROL))
        else:
            sized(field, lambda it: it.setFixedSize(Size.SHORT_FIELD, Size.CONTROL))
        self.fields[declared.name] = field
        grid.addWidget(field, row, 1, Qt.AlignmentFlag.AlignTop | self._end_of(field))

    def _end_of(self, field: QWidget) -> Qt.AlignmentFlag:
        """Where a row ends. Qt turns sides around by the field's own direction, not the page's."""
        is_turned = field.layoutDirection() is not self.layoutDirection()
        return Qt.AlignmentFlag.AlignLeft if is_turned else Qt.AlignmentFlag.AlignRight

    def _change(self, name: str, value: object) -> None:
        self._preferences.change(**{name: value})

    def _show_values(self) -> None:
        for name, field in self.fields.items():
            set_value(field, getattr(self._preferences.settings, name))
        self.server.show_port()

    def _add_library(self, home: Path) -> None:
        self._column.addWidget(hairline())
        self._column.addWidget(label("Library", "heading"))
        self._column.addWidget(
            paragraph("Notes, models, adapters and conversations are in this folder.", "quiet")
        )
        row = QHBoxLayout()
        row.setSpacing(Space.TWO)
        row.addWidget(paragraph(str(home)), 1)
        show = button(SHOW)
        show.clicked.connect(lambda: open_path(home))
        row.addWidget(show)
        self._column.addLayout(row)
        self._column.addWidget(self.space)


def _by_group() -> dict[str, list[Declared]]:
    groups: dict[str, list[Declared]] = {}
    for declared in declared_settings():
        if declared.name not in _ELSEWHERE:
            groups.setdefault(declared.group, []).append(declared)
    return groups
