"""The groups of notes that the chips show: their names, what each means, and undoing its steps."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, replace
from typing import cast, get_args

from mlx_backend.library.curation_findings import CurationFindings, Step
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
    "boilerplate": "Notes with text that many others have too; only that text is left out.",
    "authorship": "Chats and mails that you wrote a part of. Your words are taught, with what you"
    " answer to; what else others wrote is left out.",
    "language": "Notes in another language than most of yours. All languages are used but those"
    " that you untick.",
    SKIPPED: "Files that were skipped, and why.",
}

STEPS: dict[str, tuple[str, ...]] = {
    "duplicates": ("duplicate", "near_duplicate"),
    "quality": ("quality",),
    "boilerplate": ("boilerplate",),
    "authorship": ("authorship",),
}
"""The steps of curation that a chip undoes; the other groups are undone note by note."""


@dataclass(frozen=True)
class StepChange:
    """A step of curation, or a group's steps, undone or redone: for one note, or for all."""

    steps: tuple[str, ...]
    undo: bool
    note_id: int | None = None
    only: tuple[bytes, ...] | None = None
    """Digests of the secrets that were on the screen; None for all findings."""

    @property
    def opposite(self) -> StepChange:
        """The change that takes this one back."""
        return replace(self, undo=not self.undo)

    def apply(self, db: sqlite3.Connection) -> None:
        """Write the change."""
        findings = CurationFindings(db)
        write = findings.undo if self.undo else findings.redo
        for step in self.steps:
            write(cast(Step, step), self.note_id, self.only)


def change_for_group(group: str, undo: bool) -> StepChange:
    """The change of all steps of a group, for all notes."""
    return StepChange(STEPS[group], undo)


def is_undone(group: str, db: sqlite3.Connection) -> bool:
    """Whether all steps of a group are undone for all notes."""
    return set(STEPS[group]) <= CurationFindings(db).undone_steps()
