"""The groups of notes that chips stand for: their names, what each means, and undoing a step."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, replace
from typing import cast, get_args

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.library.background import Background
from app.notes.language_choice import LanguageChoice
from app.style import Space
from app.widgets.labels import button, paragraph
from mlx_backend.library.findings import Findings, Step
from mlx_backend.library.note_browsing import Group

SKIPPED = "skipped"
"""The chip that shows files rather than notes."""

GROUPS: tuple[Group, ...] = get_args(Group)

NAMES = {
    "left_out": ("left out", "left out"),
    "duplicates": ("duplicate", "duplicates"),
    "secrets": ("with secrets", "with secrets"),
    "quality": ("with little to learn", "with little to learn"),
    "boilerplate": ("with repeated text", "with repeated text"),
    "authorship": ("with others’ words", "with others’ words"),
    "language": ("in another language", "in other languages"),
    SKIPPED: ("skipped file", "skipped files"),
}

HELPS = {
    "left_out": "Notes that training does not see, because you or a finding left them out.",
    "duplicates": "Notes that say what another note says. The other one is used.",
    "secrets": "Notes with passwords, keys or numbers that are masked before training.",
    "quality": "Notes with little to learn from, such as lists of links and output of programs.",
    "boilerplate": "Notes with text that stands in many others too; only that text is left out.",
    "authorship": "Chats and mails that you wrote a part of. Your words are taught, with what you"
    " answer to; what else others wrote is left out.",
    "language": "Notes in another language than most of yours. All languages are used but those"
    " that you untick.",
    SKIPPED: "Files that were skipped, and why.",
}

_STEPS: dict[str, tuple[str, ...]] = {
    "duplicates": ("duplicate", "near_duplicate"),
    "quality": ("quality",),
    "boilerplate": ("boilerplate",),
    "authorship": ("authorship",),
}
_LANGUAGE = "language"


class GroupBar(QWidget):
    """Says what the chosen group is, and lets a step be undone for all notes at once."""

    undo_wanted = Signal(str, bool)
    """A group whose steps are to be undone for all notes, or to hold again."""

    def __init__(self, background: Background) -> None:
        super().__init__()
        self._background = background
        self._group = ""
        self._is_undone = False
        self.sentence = paragraph(kind="quiet")
        self.button = button("Use All Anyway", "link")
        self.button.clicked.connect(lambda: self.undo_wanted.emit(self._group, not self._is_undone))
        self.languages = LanguageChoice(background)
        row = QHBoxLayout()
        row.setSpacing(Space.ONE)
        row.addWidget(self.sentence, 1)
        row.addWidget(self.button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(Space.HALF)
        layout.addLayout(row)
        layout.addWidget(self.languages)
        self.hide()

    def show_group(self, group: str) -> None:
        """Explain a group; "" hides the bar."""
        self._group = group
        self.sentence.setText(HELPS.get(group, ""))
        self.button.hide()
        self.setVisible(bool(group))
        self.languages.setVisible(group == _LANGUAGE)
        if group == _LANGUAGE:
            self.languages.load()
        if group in _STEPS:
            self._background.call(lambda db: is_undone(group, db), self._show_state)

    def _show_state(self, is_undone: bool) -> None:
        self._is_undone = is_undone
        use = "Keep Others' Words" if self._group == "authorship" else "Use All Anyway"
        self.button.setText("Leave Out Again" if is_undone else use)
        self.button.setVisible(self._group in _STEPS)


@dataclass(frozen=True)
class StepChange:
    """A step of curation, or a group's steps, undone or redone: for one note, or for all."""

    steps: tuple[str, ...]
    undo: bool
    note_id: int | None = None
    only: tuple[bytes, ...] | None = None
    """Of the secrets of a note, those that were on the screen."""

    @property
    def opposite(self) -> StepChange:
        """What takes this back."""
        return replace(self, undo=not self.undo)

    def apply(self, db: sqlite3.Connection) -> None:
        """Write it."""
        findings = Findings(db)
        write = findings.undo if self.undo else findings.redo
        for step in self.steps:
            write(cast(Step, step), self.note_id, self.only)


def change_for_group(group: str, undo: bool) -> StepChange:
    """The change of all steps of a group, for all notes."""
    return StepChange(_STEPS[group], undo)


def is_undone(group: str, db: sqlite3.Connection) -> bool:
    """Whether all steps of a group are undone for all notes."""
    return set(_STEPS[group]) <= Findings(db).undone_steps()
