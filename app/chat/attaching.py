"""Attaches files and notes to the question that is being typed."""

from __future__ import annotations

import functools
import sqlite3
from pathlib import Path

from PySide6.QtCore import QObject, QPoint, Qt, Signal
from PySide6.QtWidgets import QFileDialog, QMenu

from app.chat.question_bar import QuestionBar
from app.jobs.attached_files import AttachedFiles
from app.library.background import Background
from app.text.error_text import trouble
from mlx_backend.errors import OvernightError
from mlx_backend.library.notes import Notes, NoteSummary
from mlx_backend.library.turns import Attachment

_CHARACTERS_A_TOKEN = 4  # a rule of thumb for English
_USUAL_CONTEXT = 2048  # tokens, where that of a model is not known
_MOST_ATTACHED = 8


class Attaching(QObject):
    """Holds what is attached, in whole; `bounded` is what of it is told a model."""

    changed = Signal()

    refused = Signal(str)
    """What could not be attached, and what to do about it."""

    def __init__(self, foot: QuestionBar, background: Background, parent: QObject) -> None:
        super().__init__(parent)
        self._foot = foot
        self._background = background
        self._attached: tuple[Attachment, ...] = ()
        self._context = 0
        self.files = AttachedFiles(self)
        self.files.read.connect(self._add)
        self.files.failed.connect(self._refuse)
        self.files.changed.connect(self._show)
        foot.attach.clicked.connect(self._open_menu)
        foot.picker.chosen.connect(self._add_note)
        foot.picker.closed.connect(foot.input.setFocus)
        foot.attached.removed.connect(self._remove)

    @property
    def attached(self) -> tuple[Attachment, ...]:
        """All that is attached."""
        return self._attached

    def bounded(self) -> tuple[Attachment, ...]:
        """What is attached, each cut to its share of half of what the model reads at once."""
        return bounded(self._attached, self._context)

    def show_attached(self, attached: tuple[Attachment, ...]) -> None:
        """Attach these, and nothing else."""
        self.files.cancel()
        self._attached = attached
        self._show()

    def set_context(self, tokens: int) -> None:
        """How many tokens the model reads at once; 0 where that is not known."""
        if tokens != self._context:
            self._context = tokens
            self._show()

    def add_files(self, paths: list[Path]) -> None:
        """Attach files."""
        for path in paths[: _MOST_ATTACHED - len(self._attached)]:
            self.files.add(path)

    def _open_menu(self) -> None:
        menu = self.menu()
        above = QPoint(0, -menu.sizeHint().height())
        menu.popup(self._foot.attach.mapToGlobal(above))

    def menu(self) -> QMenu:
        """What can be attached."""
        menu = QMenu(self._foot)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction("Attach File…", self._choose_files)
        menu.addAction("Attach Note…", self._foot.picker.begin)
        return menu

    def _choose_files(self) -> None:
        paths, _ = QFileDialog.getOpenFileNames(self._foot, "Attach Files")
        self.add_files([Path(path) for path in paths])
        self._foot.input.setFocus()

    def _add_note(self, note: NoteSummary) -> None:
        self._background.call(functools.partial(_attachment_of, note), self._add)

    def _add(self, attachment: Attachment) -> None:
        others = [each for each in self._attached if each.path != attachment.path]
        self._attached = (*others, attachment)[-_MOST_ATTACHED:]
        self._show()
        self.changed.emit()

    def _remove(self, place: int) -> None:
        self._attached = (*self._attached[:place], *self._attached[place + 1 :])
        self._show()
        self.changed.emit()
        self._foot.input.setFocus()

    def _refuse(self, error: OvernightError) -> None:
        self.refused.emit(trouble(error))

    def _show(self) -> None:
        self._foot.attached.show_attachments(self.bounded())
        self._foot.show_reading(self.files.names)


def bounded(attached: tuple[Attachment, ...], context: int) -> tuple[Attachment, ...]:
    """Attachments that take half of `context` tokens together; the short ones stay whole."""
    room = (context or _USUAL_CONTEXT) // 2 * _CHARACTERS_A_TOKEN
    kept: dict[int, Attachment] = {}
    by_length = sorted(range(len(attached)), key=lambda place: len(attached[place].text))
    for done, place in enumerate(by_length):
        share = room // (len(attached) - done)
        each = attached[place]
        text = each.text if len(each.text) <= share else _cut(each.text, share)
        room -= len(text)
        kept[place] = Attachment(
            name=each.name, text=text, characters=each.characters, path=each.path, note=each.note
        )
    return tuple(kept[place] for place in range(len(attached)))


def _cut(text: str, most: int) -> str:
    """The beginning of a text, up to the end of a line where there is one not far before."""
    cut = text[:most]
    line = cut.rfind("\n")
    return cut[:line] if line > most * 0.8 else cut


def _attachment_of(note: NoteSummary, db: sqlite3.Connection) -> Attachment:
    text = Notes(db).text(note.id)
    return Attachment(
        name=note.title, text=text, characters=len(text), path=note.path, note=note.id
    )
