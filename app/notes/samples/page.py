"""Samples: what study wrote about the notes, to read, change and leave out."""

from __future__ import annotations

import functools
import sqlite3
from collections.abc import Callable

from PySide6.QtCore import QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QMenu,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from app.library.deletions import Change
from app.library.undo_history import Step, silently
from app.notes.samples import descriptions
from app.notes.samples.editor import SampleEditor
from app.notes.samples.sample_table_model import NOTE, PROMPT, STATE, SampleTableModel
from app.services import Services
from app.style import Size, Space, sized
from app.widgets.chips import Chips
from app.widgets.columns import columns
from app.widgets.deletable_list import (
    DeleteKeys,
    add_delete,
    choose_neighbour,
    choose_rows,
    chosen_ranges,
)
from app.widgets.empty_state import EmptyState
from app.widgets.labels import hairline, indented, label, tip
from app.widgets.page_scroll import PageScroll
from app.widgets.row_table import RowTable
from app.widgets.search_field import search_field
from app.widgets.segments import Segments
from app.widgets.undo_bar import UndoBar
from mlx_backend.errors import OvernightError
from mlx_backend.library.note_browsing import NoteIds
from mlx_backend.library.notes import Notes
from mlx_backend.library.quote_places import place_of
from mlx_backend.library.sample_browsing import Group, SampleBrowsing, SampleFilter, SampleOverview
from mlx_backend.library.samples import Samples
from mlx_backend.library.stored_samples import Choice, StoredSample

_Write = Callable[[sqlite3.Connection], None]
_TYPING_MS = 150
_STUDYING_MS = 3000
_MOST_KEPT = 1_000  # rows of a selection, which are chosen again in a new list
_GROUPS: tuple[Group, ...] = ("kept", "dropped", "changed")
_NAMES: dict[str, tuple[str, str]] = {
    "kept": ("kept", "kept"),
    "dropped": ("thrown out", "thrown out"),
    "changed": ("changed by you", "changed by you"),
}
_HELPS: dict[str, str] = {
    "kept": "Training uses these.",
    "dropped": "Training does not see these.",
    "changed": "You changed these, or chose yourself whether to use them.",
}
_EMPTY = (
    "A run begins with study: it writes questions and answers about your notes, and keeps those"
    " that the notes support. Here you can read them, change them and leave some out."
)


class SamplesPage(QWidget):
    """The list of samples, the chosen one beside it; before the first study, what this is for."""

    notes_wanted = Signal()
    """Go back to the notes."""

    tonight_wanted = Signal()
    """Go where training starts."""

    place_wanted = Signal(int, int, int)
    """The id of a note, and the start and end of the characters to show."""

    def __init__(self, services: Services) -> None:
        super().__init__()
        self._background, self._watcher = services.background, services.watcher
        self._history, self._deletions = services.history, services.deletions
        self._overview = SampleOverview()
        self._wanted = SampleFilter()
        self._found = 0
        self._back: tuple[int, ...] = ()
        self.table = SampleTableModel(services.background)
        self.view = RowTable(self.table, "Samples")
        self.segments = Segments(("Notes", "Samples"), 1, "What to show")
        self.search = search_field("Search samples")
        self.totals = label(kind="quiet")
        self.chips = Chips(_NAMES, _HELPS)
        self.editor = SampleEditor()
        self.undo_bar = UndoBar(services.history)
        self.empty = EmptyState("tonight", "Nothing studied yet", _EMPTY, "Go to Tonight")
        self._middle = QStackedLayout()
        self._typing = QTimer(self, singleShot=True, interval=_TYPING_MS)
        self._studying = QTimer(self, singleShot=True, interval=_STUDYING_MS)
        self._lay_out()
        self._connect()

    def refresh(self) -> None:
        """Look into the library again."""
        self._background.call(lambda db: SampleBrowsing(db).overview(), self._show_overview)
        self._list()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        # Where there is little room, the note is named beside the chosen sample alone.
        self.view.setColumnHidden(NOTE, self.width() < Size.WIDE + Size.FIELD)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()

    # --- what the library has ---

    def _filter(self) -> SampleFilter:
        group = next((group for group in _GROUPS if group == self.chips.key), None)
        return SampleFilter(self.search.text().strip(), group)

    def _list(self) -> None:
        self._wanted = wanted = self._filter()
        self._background.call(
            # A search that a later one has replaced is not worth its time.
            lambda db: SampleBrowsing(db).ids(wanted) if wanted == self._wanted else None,
            functools.partial(self._show_samples, wanted),
        )

    def _show_samples(self, wanted: SampleFilter, ids: NoteIds[int] | None) -> None:
        if ids is None or wanted != self._filter():
            return
        self._found = len(ids)
        kept = self._back or self.table.ids(chosen_ranges(self.view))[:_MOST_KEPT]
        self._back = ()
        self.table.show(ids)
        rows = self.table.rows_of(kept)
        if rows:
            choose_rows(self.view, rows, PROMPT)
            self._show_chosen()
        else:
            self.editor.show_sample(None)
        self._show_totals()

    def _show_overview(self, overview: SampleOverview) -> None:
        self._overview = overview
        self._middle.setCurrentIndex(1 if overview.written else 0)
        self.search.setVisible(bool(overview.written))
        counts: dict[str, int] = {
            "kept": overview.kept,
            "dropped": overview.dropped,
            "changed": overview.changed,
        }
        self.chips.show_counts(counts)
        why = descriptions.thrown_out(overview)
        told = f"{_HELPS['dropped']}\n{why}".rstrip()
        self.chips.chip("dropped").setToolTip(tip(told))
        self._show_totals()

    def _show_totals(self) -> None:
        is_filtered = self._filter() != SampleFilter()
        found = self._found if is_filtered else None
        written = self._overview.written
        self.totals.setText(descriptions.totals(self._overview, found) if written else "")
        self.totals.setVisible(bool(written))

    def _look_while_studying(self) -> None:
        is_studying = any(run.status.stage == "studying" for run in self._watcher.active())
        if is_studying and self.isVisible() and not self._studying.isActive():
            self._studying.start()

    # --- the chosen one ---

    def _show_chosen(self) -> None:
        rows = self.view.selectionModel().selectedRows()
        if not rows:
            return
        sample = self.table.item(rows[0].row())
        if sample is not None:  # else it comes with its page
            self.editor.show_sample(sample)

    def _edit(self, sample: StoredSample, prompt: str, answer: str) -> None:
        def write(db: sqlite3.Connection) -> None:
            Samples(db).edit(sample.id, prompt, answer)

        def undo(db: sqlite3.Connection) -> None:
            Samples(db).edit(sample.id, sample.prompt, sample.answer, sample.choice)

        sentence = "Changed the sample; training uses it as it is now."
        step = Step(
            "Change Sample", sentence, silently(write), silently(undo), lambda _: self.refresh()
        )
        self._background.keep(
            f"sample {sample.id}",
            write,
            lambda _: self._edited(step),
            functools.partial(self._give_back, prompt, answer),
        )

    def _give_back(self, prompt: str, answer: str, error: OvernightError) -> None:
        """A change that cannot be saved: give the words back to the person who typed them."""
        hint = f"{error.hint} You had typed: {prompt}\n\n{answer}"
        self._background.failed.emit(OvernightError(error.kind, error.message, hint, error.detail))
        self.refresh()

    def _edited(self, step: Step) -> None:
        self._history.add(step)
        self.refresh()

    def _use(self, sample: StoredSample, use: bool) -> None:
        choice = _choice(sample, use)
        self._change(
            "Use Sample" if use else "Leave Out Sample",
            lambda db: Samples(db).choose(sample.id, choice),
            "Training will use this sample." if use else "Left out this sample.",
            lambda db: Samples(db).choose(sample.id, sample.choice),
        )

    def _change(self, name: str, write: _Write, sentence: str, undo: _Write) -> None:
        """Change the library; when that is done, and not before, say so and offer to undo it."""
        step = Step(name, sentence, silently(write), silently(undo), lambda _: self.refresh())
        self._history.do(step)

    # --- deleting ---

    def _delete_chosen(self) -> None:
        ranges = chosen_ranges(self.view)
        ids = self.table.ids(ranges)
        if ids:
            first = self.table.item(ranges[0][0])
            choose_neighbour(self.view, PROMPT)
            question = " ".join(first.prompt.split()) if first else ""
            self._deletions.delete("sample", ids, question)

    def _take_change(self, change: Change) -> None:
        if change.kind in ("note", "sample"):
            is_sample = change.kind == "sample" and change.is_back
            self._back = tuple(map(int, change.keys)) if is_sample else ()
            self.refresh()

    def _open_menu(self, point: QPoint) -> None:
        if not chosen_ranges(self.view):
            return
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        add_delete(menu).triggered.connect(lambda _: self._delete_chosen())
        menu.popup(self.view.viewport().mapToGlobal(point))

    def _find_place(self, sample: StoredSample) -> None:
        self._background.call(
            functools.partial(_place_of, sample), lambda place: self.place_wanted.emit(*place)
        )

    # --- making the view ---

    def _connect(self) -> None:
        self.search.textEdited.connect(lambda _: self._typing.start())
        self.search.textChanged.connect(lambda text: None if text else self._list())
        self._typing.timeout.connect(self._list)
        self._studying.timeout.connect(self.refresh)
        self._watcher.job_changed.connect(lambda _: self._look_while_studying())
        self._watcher.job_ended.connect(lambda _: self.refresh() if self.isVisible() else None)
        self.chips.chosen.connect(lambda _: self._list())
        self.segments.chosen.connect(lambda _: self.notes_wanted.emit())
        self.empty.chosen.connect(self.tonight_wanted)
        DeleteKeys(self.view).pressed.connect(self._delete_chosen)
        self.view.customContextMenuRequested.connect(self._open_menu)
        self._deletions.changed.connect(self._take_change)
        self.view.selectionModel().selectionChanged.connect(lambda *_: self._show_chosen())
        self.table.dataChanged.connect(lambda *_: self._show_chosen())
        self.editor.edited.connect(self._edit)
        self.editor.use_wanted.connect(self._use)
        self.editor.place_wanted.connect(self._find_place)

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.setSpacing(Space.TWO)
        top.addWidget(label("Notes", "title"))
        top.addWidget(self.segments)
        top.addStretch()
        top.addWidget(self.search)
        header = QVBoxLayout()
        header.setContentsMargins(Space.FOUR, Space.THREE, Space.FOUR, Space.TWO)
        header.setSpacing(Space.ONE)
        header.addLayout(top)
        header.addWidget(self.totals)
        header.addWidget(self.chips)
        self.chips.hide()
        self._middle.addWidget(self.empty)
        self._middle.addWidget(self._browser())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(header)
        layout.addWidget(hairline())
        layout.addLayout(self._middle, 1)
        layout.addWidget(self.undo_bar)

    def _browser(self) -> QWidget:
        self.view.stretch(PROMPT, (NOTE, STATE))
        header = self.view.horizontalHeader()
        sized(header, lambda it: it.resizeSection(NOTE, Size.SHORT_FIELD))
        sized(header, lambda it: it.resizeSection(STATE, Size.NAMES))
        listed = indented(self.view, Space.TWO)
        split = columns(
            ((listed, lambda: Size.LIST_LEAST), (PageScroll(self.editor), lambda: Size.LIST_LEAST))
        )
        split.setSizes([Size.READING, Size.BUBBLE])
        return split


def _choice(sample: StoredSample, use: bool) -> Choice:
    """What to record so that a sample is used or not; "" where no choice is needed."""
    if sample.choice in {"edited", "edited, dropped"}:
        return "edited" if use else "edited, dropped"
    if use != bool(sample.dropped):
        return ""
    return "keep" if use else "drop"


def _place_of(sample: StoredSample, db: sqlite3.Connection) -> tuple[int, int, int]:
    """Where its note has the words that a sample is from; the top where they are not found."""
    found = place_of(sample.quote, Notes(db).text(sample.note_id))
    return (sample.note_id, *(found or (0, 0)))
