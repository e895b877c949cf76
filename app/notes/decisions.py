"""What a person decides about notes: which are used for training, and which findings count."""

from __future__ import annotations

import functools

from PySide6.QtCore import QObject, Signal

from app.library.background import Background
from app.library.undo_history import UndoHistory
from app.notes import undo_steps
from app.notes.groups import StepChange, change_for_group
from mlx_backend.library.folder_decisions import FolderDecision, FolderDecisions
from mlx_backend.library.languages import Language
from mlx_backend.library.note_browsing import NoteIds
from mlx_backend.library.note_decisions import NoteDecision, NoteDecisions
from mlx_backend.library.voices import short_name


class DecisionSteps(QObject):
    """Carries decisions out in the background, each as a step that can be undone."""

    decided = Signal()
    """Other notes are used for training than before."""

    stepped = Signal()
    """A step was done, undone or done again by way of the history."""

    def __init__(self, background: Background, history: UndoHistory, parent: QObject) -> None:
        super().__init__(parent)
        self._background = background
        self._history = history

    def decide(self, ids: NoteIds[int], included: bool) -> None:
        """Use these notes for training, or leave them out."""
        self._background.call(
            lambda db: NoteDecisions(db).decide(ids, included),
            functools.partial(self._take, ids, included),
        )

    def decide_all(self, included: bool) -> None:
        """Use all notes of the library for training, or leave all out."""
        self._background.call(
            functools.partial(undo_steps.decide_all, included), lambda done: self._take(*done)
        )

    def decide_folder(self, path: str, included: bool) -> None:
        """Use a folder for training, or leave it out with whatever comes into it later."""
        self._background.call(
            lambda db: FolderDecisions(db).decide(path, included),
            functools.partial(self._take_folder, included),
        )

    def use_language(self, language: Language, use: bool) -> None:
        """Use the notes in a language for training, or leave them out."""
        self._history.do(undo_steps.language_used(language, use, self._after_step))

    def add_own_name(self, name: str) -> None:
        """Count what this name wrote in chats and mails as the person's own words."""
        self._history.do(undo_steps.own_name_added(short_name(name), self._after_step))

    def undo_for_all(self, group: str, undo: bool) -> None:
        """Undo a group's steps for all notes, or let them hold again."""
        self._change(change_for_group(group, undo), "for all notes")

    def undo_for_note(
        self, note_id: int, step: str, undo: bool, only: tuple[bytes, ...] | None
    ) -> None:
        """Undo a step for one note, or let it hold again; of its findings `only` these digests."""
        self._change(StepChange((step,), undo, note_id, only), "for this note")

    def _change(self, change: StepChange, where: str) -> None:
        self._history.do(undo_steps.findings_changed(change, where, self._after_step))

    def _take(self, ids: NoteIds[int], included: bool, decision: NoteDecision) -> None:
        if decision.notes:
            self._history.add(undo_steps.decided(ids, included, decision, self._after_step))
        self.decided.emit()

    def _take_folder(self, included: bool, decision: FolderDecision) -> None:
        self._history.add(undo_steps.folder_decided(included, decision, self._after_step))
        self.decided.emit()

    def _after_step(self, _: bool) -> None:
        self.stepped.emit()
