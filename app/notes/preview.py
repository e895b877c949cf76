"""The text of the chosen note, what becomes of it, and what can be done about that."""

from __future__ import annotations

import functools
import sqlite3
from array import array
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QSettings, Signal
from PySide6.QtWidgets import QStackedLayout, QStackedWidget, QVBoxLayout, QWidget

from app.library.background import Background
from app.notes.findings_view import NoteFindings
from app.notes.formatted_note import FormattedNote
from app.notes.marked_text import MarkedText
from app.notes.note_charts import NoteCharts
from app.notes.note_table_model import STATE_HELP
from app.notes.origin import origin_sentence
from app.notes.speakers import NoteSpeakers
from app.notes.text_marks import TextMark, marks_of, shown_text
from app.style import Space, Style
from app.text import amounts
from app.text.directions import isolated
from app.widgets.flow_layout import FlowLayout
from app.widgets.labels import button, paragraph
from app.widgets.reveal import SHOW, reveal
from app.widgets.segments import Segments
from mlx_backend.library.curation_findings import CurationFindings, Reason
from mlx_backend.library.folder_decisions import FolderDecisions, leaves_out
from mlx_backend.library.note_browsing import Browsing, NoteIds, Sums
from mlx_backend.library.note_origins import Origin, origin_of
from mlx_backend.library.notes import Notes, NoteSummary

# Kinds of notes whose text is Markdown, originally or as the importer wrote it.
_MARKDOWN = {"docx", "epub", "evernote", "feed", "html", "markdown", "notebook", "web page"}
_FORMATTED, _SOURCE = range(2)
_LOOK_KEY = "notes/source"

# As much as anyone scrolls through here; the file itself is one click away.
_SHOWN_CHARACTERS = 100_000
# More where an answer cites a place further down, but never so much that the window stalls.
_AFTER = 10_000
_MOST_CHARACTERS = 1_000_000


@dataclass(frozen=True)
class _Details:
    """All there is to show of one note."""

    note: NoteSummary
    text: str
    marks: tuple[TextMark, ...]
    reasons: tuple[Reason, ...]
    choice: bool | None
    left_out: str
    origin: Origin
    folder_is_left_out: bool


class NotePreview(QWidget):
    """Shows one note with its passages, or sums over several; charts where none is chosen."""

    inclusion_wanted = Signal(bool)
    """The chosen notes are to be used, or to be left out."""

    undo_wanted = Signal(int, str, bool, object)
    """A note, a step, whether what the step found is to be undone or to hold again, and the digests
    of the findings that are shown, or None for all."""

    own_name_chosen = Signal(str)
    """A name in a chat or mail that is the person's."""

    def __init__(self, background: Background, style: Style, state: QSettings) -> None:
        super().__init__()
        self._background = background
        self._state = state
        self._ids: NoteIds[int] = array("q")
        self._path = ""
        self._cited: tuple[int, int] | None = None
        self._is_to_scroll = False
        self._is_other = True
        self._leaves_out = True
        self.title = paragraph(kind="heading")
        self.where = paragraph(kind="small")
        self.speakers = NoteSpeakers()
        self.speakers.own_name_chosen.connect(self.own_name_chosen)
        self.help = paragraph(kind="quiet")
        self.findings = NoteFindings()
        self.text = MarkedText(style)
        self.formatted = FormattedNote(style)
        self.look = Segments(("Formatted", "Source"), self._remembered(), "How to show the note")
        self._body = QStackedWidget()
        self.told = paragraph(kind="quiet")
        self.toggle = button("Leave Out")
        self.toggle.clicked.connect(lambda: self.inclusion_wanted.emit(not self._leaves_out))
        self.show_file = button(SHOW)
        self.show_file.clicked.connect(lambda: reveal(Path(self._path)))
        self.findings.undo_wanted.connect(self._undo)
        self.text.told.connect(self._tell)
        self.formatted.told.connect(self._tell)
        self.formatted.not_marked.connect(self._show_source)
        self.look.chosen.connect(self._choose_look)
        self.charts = NoteCharts(background, style)
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self.charts)
        self._stack.addWidget(self._page())

    def _page(self) -> QWidget:
        page = QWidget()
        actions = QWidget()
        flow = FlowLayout(actions, Space.ONE)
        flow.addWidget(self.toggle)
        flow.addWidget(self.show_file)
        flow.addWidget(self.look)
        layout = QVBoxLayout(page)
        layout.setContentsMargins(Space.THREE, Space.TWO, Space.FOUR, 0)
        layout.setSpacing(Space.ONE)
        layout.addWidget(self.title)
        layout.addWidget(self.where)
        layout.addWidget(self.help)
        layout.addWidget(self.speakers)
        layout.addWidget(self.findings)
        layout.addWidget(actions)
        layout.addSpacing(Space.ONE)
        self._body.addWidget(self.formatted)
        self._body.addWidget(self.text)
        layout.addWidget(self._body, 1)
        layout.addWidget(self.told)
        layout.addSpacing(Space.ONE)
        return page

    def show_notes(self, ids: NoteIds[int]) -> None:
        """Show the one chosen note, or sums over them."""
        is_other = ids != self._ids
        self._ids = ids
        if is_other:
            self._cited, self._is_to_scroll, self._is_other = None, False, True
        if not ids:
            self._stack.setCurrentIndex(0)
        elif len(ids) > 1:
            self._background.call(
                lambda db: Browsing(db).sums(ids), functools.partial(self._show_several, ids)
            )
        else:
            if is_other:
                self.told.hide()
            find = functools.partial(_details, ids[0], self._cited)
            self._background.call(find, functools.partial(self._show_one, self._cited))

    def show_place(self, note_id: int, start: int, end: int) -> None:
        """Show one note at the characters [start, end), which an answer cites."""
        ids: NoteIds[int] = array("q", (note_id,))
        self._ids, self._cited, self._is_to_scroll = ids, (start, end), True
        self._is_other = True
        self.show_notes(ids)

    def show_missing(self) -> None:
        """Say that the note is not there any more."""
        self._ids, self._cited = array("q"), None
        self._stack.setCurrentIndex(1)
        self.title.setText("This note is no longer in your library")
        self.where.setText("If you deleted it, it is in the bin; otherwise its file is gone.")
        self.help.setText("")
        self.speakers.show_speakers(())
        self.findings.show_reasons(())
        self.toggle.setVisible(False)
        self.show_file.setVisible(False)
        self._show_nothing()

    def refresh(self) -> None:
        """Look again: what is known of the chosen notes, or of all, has changed."""
        self.charts.refresh()
        self.show_notes(self._ids)

    def _show_several(self, ids: NoteIds[int], sums: Sums) -> None:
        if ids != self._ids:
            return
        self._stack.setCurrentIndex(1)
        self.title.setText(amounts.count(sums.notes, "note"))
        self.where.setText(amounts.count(sums.words, "word"))
        self.help.setText(
            f"{amounts.count(sums.left_out, 'note')} of these left out." if sums.left_out else ""
        )
        self._offer(leave_out=sums.used > 0, possible=bool(sums.used or sums.left_out))
        self.speakers.show_speakers(())
        self.findings.show_reasons(())
        self.show_file.setVisible(False)
        self._show_nothing()

    def _show_nothing(self) -> None:
        self.look.setVisible(False)
        self.text.show_text("", (), True)
        self.formatted.show_text("", ())

    def _show_one(self, cited: tuple[int, int] | None, details: _Details | None) -> None:
        if details is None or list(self._ids) != [details.note.id] or cited != self._cited:
            return
        note = details.note
        self._stack.setCurrentIndex(1)
        self._path = note.path
        self.title.setText(note.title)
        where = f"{amounts.count(note.words, 'word')} · {isolated(amounts.path(note.path))}"
        self.where.setText(f"{where}\n{origin_sentence(details.origin)}".rstrip())
        self.speakers.show_speakers(details.origin.speakers)
        self.help.setText(_help(details))
        self._offer(leave_out=note.status != "excluded", possible=note.status != "gone")
        self.findings.show_reasons(details.reasons)
        self.show_file.setVisible(True)
        self._show_text(details)

    def _show_text(self, details: _Details) -> None:
        is_used = details.note.status not in ("excluded", "gone")
        self.text.show_text(details.text, details.marks, is_used)
        is_markdown = details.origin.kind in _MARKDOWN
        self.look.setVisible(is_markdown)
        if is_markdown:
            self.formatted.show_text(details.text, details.marks)
        if self._is_other or not is_markdown:
            self._is_other = False
            self._show_look(self._remembered() if is_markdown else _SOURCE)
        if self._is_to_scroll:
            self._is_to_scroll = False
            self._show_cited()

    def _choose_look(self, look: int) -> None:
        self._state.setValue(_LOOK_KEY, int(look == _SOURCE))
        self._show_look(look)
        self.look.take_focus()
        if self._cited is not None:
            self._show_cited()

    def _show_look(self, look: int) -> None:
        self.look.choose(look)
        self._body.setCurrentIndex(look)

    def _show_source(self) -> None:
        """Show the source this once, because the formatted note does not have the cited words."""
        if self._body.currentWidget() is self.formatted:
            self._show_look(_SOURCE)
            self._show_cited()

    def _show_cited(self) -> None:
        self.text.show_cited()
        if self._body.currentWidget() is self.formatted:
            self.formatted.show_cited()

    def _remembered(self) -> int:
        """How the person wants to read notes; formatted where that is not known."""
        return _SOURCE if str(self._state.value(_LOOK_KEY, 0)) == "1" else _FORMATTED

    def _offer(self, leave_out: bool, possible: bool) -> None:
        self._leaves_out = leave_out
        self.toggle.setVisible(True)
        self.toggle.setText("Leave Out" if leave_out else "Use for Training")
        self.toggle.setEnabled(possible)

    def _tell(self, sentence: str) -> None:
        self.told.setText(sentence)
        self.told.setVisible(bool(sentence))

    def _undo(self, step: str, undo: bool, only: tuple[bytes, ...] | None) -> None:
        if len(self._ids) == 1:
            self.undo_wanted.emit(self._ids[0], step, undo, only)


def _details(
    note_id: int, cited: tuple[int, int] | None, db: sqlite3.Connection
) -> _Details | None:
    note = Browsing(db).rows([note_id]).get(note_id)
    if note is None:
        return None
    notes, findings = Notes(db), CurationFindings(db)
    text = notes.text(note_id)
    reasons, left = findings.reasons(note_id), notes.left_out(note_id)
    marks = marks_of(text, notes.spans(note_id), reasons, note.status != "excluded", cited)
    shown = max(_SHOWN_CHARACTERS, min(cited[1] + _AFTER, _MOST_CHARACTERS) if cited else 0)
    if len(text) > shown:
        text = text[:shown].rstrip() + "\n\n… The file goes on."
    return _Details(
        note=note,
        text=shown_text(text),
        marks=marks,
        reasons=tuple(reasons),
        choice=findings.choice(note_id),
        left_out=left,
        origin=origin_of(db, note_id),
        folder_is_left_out=leaves_out(FolderDecisions(db).all(), note.path),
    )


def _help(details: _Details) -> str:
    left = f" Not in the text: {details.left_out}." if details.left_out else ""
    return _state_help(details) + left


def _state_help(details: _Details) -> str:
    sentence = STATE_HELP[details.note.status]
    if details.note.status == "excluded" and details.choice is False:
        return "You left this note out; training does not see it."
    if details.note.status == "excluded" and details.folder_is_left_out:
        return "You left out the folder that this note is in; training does not see it."
    found = any(reason.leaves_out and not reason.undone for reason in details.reasons)
    if found and details.choice:
        return f"{sentence} You chose to use it, whatever was found."
    return sentence
