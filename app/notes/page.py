"""Notes: what there is to learn from."""

from __future__ import annotations

import functools
from pathlib import Path

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QStackedLayout, QStackedWidget, QVBoxLayout, QWidget

from app.library.deletions import Change
from app.library.window_state import window_state
from app.notes import undo_steps
from app.notes.folder_list import FolderList
from app.notes.folder_tree_model import FolderTreeModel
from app.notes.group_bar import (
    GROUPS,
    HELPS,
    NAMES,
    SKIPPED,
    GroupBar,
    StepChange,
    change_for_group,
)
from app.notes.import_bar import ImportBar
from app.notes.note_list import NoteList
from app.notes.note_table_model import TITLE, NoteTableModel
from app.notes.preview import NotePreview
from app.notes.samples.page import SamplesPage
from app.notes.skipped_files import SkippedFiles
from app.notes.totals import totals_line
from app.notes.welcome import NotesWelcome
from app.services import Services
from app.style import Size, Space
from app.text import amounts
from app.widgets.chips import Chips
from app.widgets.columns import columns
from app.widgets.deletable_list import choose_neighbour
from app.widgets.labels import button, hairline, indented, label
from app.widgets.page_scroll import PageScroll
from app.widgets.reveal import reveal
from app.widgets.search_field import search_field
from app.widgets.segments import Segments
from app.widgets.undo_bar import UndoBar
from mlx_backend.library.deciding import Decision, Decisions
from mlx_backend.library.folder_decisions import FolderDecision, FolderDecisions
from mlx_backend.library.languages import Language
from mlx_backend.library.note_browsing import Browsing, NoteFilter, NoteIds, Overview
from mlx_backend.library.voices import short_name

_TYPING_MS = 150
_REFRESH_MS = 1000
_MANY = 5_000  # of which writing takes long enough to say so
_NOTHING, _WELCOME, _BROWSER, _SAMPLES = range(4)


class NotesPage(QWidget):
    """Folders, notes and preview, with search; before the first import, an invitation."""

    folder_wanted = Signal()
    """Choose a folder to import."""

    samples_wanted = Signal()
    """Import the sample notes."""

    tonight_wanted = Signal()
    """Go where training starts."""

    notes_changed = Signal()
    """Training would use other notes than before."""

    def __init__(self, services: Services) -> None:
        super().__init__()
        background, imports = services.background, services.imports
        self._services = services
        self._background = background
        self._imports = imports
        self._watched = services.watched
        self._history = services.history
        self._overview = Overview()
        self._found = 0
        self._is_looking = False
        self._shows_samples = False
        self._place: tuple[int, int, int] | None = None
        self._back: tuple[int, ...] = ()
        self._wanted = NoteFilter()
        self.table = NoteTableModel(background)
        self.tree = FolderTreeModel(background)
        self.list = NoteList(self.table)
        self.folders = FolderList(self.tree)
        self.search = search_field("Search notes")
        self.totals = label(kind="quiet")
        self.add = button("Add Folder…")
        self.chips = Chips(NAMES, HELPS)
        self.group_bar = GroupBar(background)
        self.welcome = NotesWelcome()
        self.preview = NotePreview(background, services.style, window_state(services.library.home))
        self.skipped = SkippedFiles(background)
        self.import_bar = ImportBar(imports)
        self.undo_bar = UndoBar(services.history)
        self.segments = Segments(("Notes", "Samples"), 0, "What to show")
        self._middle = QStackedWidget()
        self._stack = QStackedLayout(self)
        self._typing = QTimer(self, singleShot=True, interval=_TYPING_MS)
        self._refreshing = QTimer(self, singleShot=True, interval=_REFRESH_MS)
        self._lay_out()
        self._connect()
        self.refresh()

    def refresh(self) -> None:
        """Look into the library again."""
        self._is_looking = True
        self._list()
        self._background.call(lambda db: Browsing(db).overview(), self._show_overview)
        self.preview.refresh()
        if self._shows_samples:
            self.samples.refresh()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if not self._is_looking:
            self.refresh()  # a command may have changed the library meanwhile

    def focus_search(self) -> None:
        """Let the person type what to look for."""
        field = self.samples.search if self._shows_samples else self.search
        field.setFocus()
        field.selectAll()

    @functools.cached_property
    def samples(self) -> SamplesPage:
        """What study wrote; made when somebody looks at it first."""
        view = SamplesPage(self._services)
        view.notes_wanted.connect(lambda: self.show_samples(False))
        view.tonight_wanted.connect(self.tonight_wanted)
        view.place_wanted.connect(self.show_place)
        self._stack.insertWidget(_SAMPLES, view)
        return view

    def show_samples(self, shown: bool = True) -> None:
        """Show what study wrote about the notes, or the notes again."""
        if shown == self._shows_samples:
            return
        segments = self.samples.segments if shown else self.segments
        self._shows_samples = shown
        self._bring_up(_BROWSER)
        segments.take_focus()

    def show_place(self, note_id: int, start: int, end: int) -> None:
        """Show a note at these characters, among all notes."""
        self._place = (note_id, start, end)
        self._shows_samples = False
        self.search.clear()
        self.folders.choose("")
        self.chips.choose("")
        self._list()

    def _bring_up(self, part: int) -> None:
        self._stack.setCurrentIndex(_SAMPLES if part == _BROWSER and self._shows_samples else part)

    # --- making the page ---

    def _lay_out(self) -> None:
        self._middle.addWidget(indented(self.list, Space.ONE))
        self._middle.addWidget(self.skipped)
        split = columns(
            (
                (self.folders, lambda: Size.FOLDERS_LEAST),
                (self._middle, lambda: Size.LIST_LEAST),
                (PageScroll(self.preview), lambda: Size.LIST_LEAST),
            )
        )
        # Shares of what there is; most is for reading.
        split.setSizes([Size.SIDEBAR, Size.LIST_LEAST, Size.FIELD + Size.SHORT_FIELD])
        for place, share in enumerate((1, 3, 4)):
            split.setStretchFactor(place, share)
        browser = QWidget()
        layout = QVBoxLayout(browser)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(self._header())
        layout.addWidget(hairline())
        layout.addWidget(split, 1)
        layout.addWidget(self.undo_bar)
        self._stack.addWidget(QWidget())  # until the first look, neither list nor invitation
        self._stack.addWidget(self._invitation())
        self._stack.addWidget(browser)

    def _invitation(self) -> QWidget:
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.welcome, 1)
        layout.addWidget(UndoBar(self._services.history))  # the last note may have been deleted
        return page

    def _header(self) -> QVBoxLayout:
        top = QHBoxLayout()
        top.setSpacing(Space.ONE)
        top.addWidget(label("Notes", "title"))
        top.addSpacing(Space.ONE)
        top.addWidget(self.segments)
        top.addStretch()
        top.addWidget(self.search)
        top.addWidget(self.add)
        header = QVBoxLayout()
        header.setContentsMargins(Space.FOUR, Space.THREE, Space.FOUR, Space.TWO)
        header.setSpacing(Space.ONE)
        header.addLayout(top)
        header.addWidget(self.totals)
        header.addWidget(self.chips)
        header.addWidget(self.group_bar)
        header.addWidget(self.import_bar)
        self.chips.hide()
        return header

    def _connect(self) -> None:
        self.search.textEdited.connect(lambda _: self._typing.start())
        self.search.textChanged.connect(lambda text: None if text else self._list())
        self._typing.timeout.connect(self._list)
        self._refreshing.timeout.connect(self.refresh)
        self.add.clicked.connect(self.folder_wanted)
        self.welcome.folder_wanted.connect(self.folder_wanted)
        self.welcome.samples_wanted.connect(self.samples_wanted)
        self.list.chosen.connect(self.preview.show_notes)
        self.list.inclusion_wanted.connect(self._decide_chosen)
        self.list.delete_wanted.connect(self._delete_chosen)
        self._services.deletions.changed.connect(self._take_change)
        self.list.reveal_wanted.connect(lambda note: reveal(Path(note.path)))
        self.preview.inclusion_wanted.connect(self._decide_chosen)
        self.preview.undo_wanted.connect(self._undo_for_note)
        self.folders.chosen.connect(self._folder_chosen)
        self.folders.inclusion_wanted.connect(self._decide_folder)
        self.folders.watch_wanted.connect(self._watched.watch)
        self.chips.chosen.connect(self._group_chosen)
        self.group_bar.undo_wanted.connect(
            lambda group, undo: self._change(change_for_group(group, undo), "for all notes")
        )
        self.group_bar.languages.use_wanted.connect(self._use_language)
        self.preview.own_name_chosen.connect(self._choose_own_name)
        self.import_bar.reasons_wanted.connect(lambda: self.chips.choose(SKIPPED))
        self.import_bar.tonight_wanted.connect(self.tonight_wanted)
        self.segments.chosen.connect(lambda _: self.show_samples())
        self.skipped.closed.connect(lambda: self.chips.choose(""))
        self._imports.changed.connect(self._import_goes_on)
        self._imports.ended.connect(lambda _: self._after_change())
        self._watched.changed.connect(self._refresh_tree)

    # --- what the library has ---

    def _filter(self) -> NoteFilter:
        group = next((group for group in GROUPS if group == self.chips.key), None)
        return NoteFilter(self.search.text().strip(), self.folders.path, group)

    def _list(self) -> None:
        self._wanted = wanted = self._filter()
        self._background.call(
            # What was asked for later makes an earlier search not worth its time.
            lambda db: Browsing(db).ids(wanted) if wanted == self._wanted else None,
            functools.partial(self._show_notes, wanted),
        )

    def _show_notes(self, wanted: NoteFilter, ids: NoteIds[int] | None) -> None:
        if ids is None or wanted != self._filter():
            return  # a later look is on its way
        self._found = len(ids)
        self.table.show(ids)
        back, self._back = self._back, ()
        if back:
            self.list.choose_all(back)
        if ids:
            self._bring_up(_BROWSER)
        self._show_totals()
        if self._place is not None:
            self._show_place_of(*self._place)

    def _show_place_of(self, note_id: int, start: int, end: int) -> None:
        self._place = None
        self.list.setFocus()
        if self.list.choose(note_id):
            self.preview.show_place(note_id, start, end)
        else:
            self.list.clearSelection()
            self.preview.show_missing()

    def _show_overview(self, overview: Overview) -> None:
        self._overview, self._is_looking = overview, False
        is_empty = not (overview.notes or overview.skipped or self._imports.is_busy)
        self._bring_up(_WELCOME if is_empty else _BROWSER)
        self._show_counts()
        if self.chips.key == SKIPPED:
            self.skipped.load()
        self._refresh_tree()
        self._show_totals()

    def _show_counts(self) -> None:
        counts: dict[str, int] = {group: self._overview.groups.get(group, 0) for group in GROUPS}
        self.chips.show_counts(counts | {SKIPPED: self._overview.skipped})

    def _refresh_tree(self) -> None:
        self.tree.refresh(self._overview.notes, self._overview.used)

    def _show_totals(self) -> None:
        is_filtered = self._filter() != NoteFilter()
        self.totals.setText(totals_line(self._overview, self._found if is_filtered else None))

    def _import_goes_on(self) -> None:
        if self._imports.is_busy:
            self._bring_up(_BROWSER)
            if not (self._refreshing.isActive() or self._is_looking):
                self._refreshing.start()

    def _after_change(self) -> None:
        self.refresh()
        self.notes_changed.emit()

    def _folder_chosen(self, path: str) -> None:
        self.preview.picture.show_folder(path)
        self._list()

    def _group_chosen(self, key: str) -> None:
        self.group_bar.show_group(key)
        self._middle.setCurrentIndex(1 if key == SKIPPED else 0)
        if key == SKIPPED:
            self.list.clearSelection()
            self.skipped.load()
        self._show_counts()
        self._list()

    # --- deleting ---

    def _delete_chosen(self) -> None:
        ids, title = self.list.chosen_ids(), self.list.title_of_chosen()
        choose_neighbour(self.list, TITLE)
        self._say_doing("Deleting", len(ids))
        self._services.deletions.delete("note", ids, title)

    def _take_change(self, change: Change) -> None:
        if change.kind == "note":
            self._back = tuple(map(int, change.keys)) if change.is_back else ()
            self._after_change()

    # --- leaving out ---

    def _decide_chosen(self, included: bool) -> None:
        ids = self.list.chosen_ids()
        self._background.call(
            lambda db: Decisions(db).decide(ids, included),
            functools.partial(self._decided, ids, included),
        )
        self._announce(len(ids), included)

    def _decide_folder(self, path: str, included: bool) -> None:
        if path:
            self._background.call(
                lambda db: FolderDecisions(db).decide(path, included),
                functools.partial(self._folder_decided, included),
            )
        else:
            self._background.call(
                functools.partial(undo_steps.decide_all, included),
                lambda done: self._decided(*done),
            )
        self._announce(self.table.rowCount(), included)

    def _announce(self, notes: int, included: bool) -> None:
        self._say_doing("Bringing back" if included else "Leaving out", notes)

    def _say_doing(self, doing: str, notes: int) -> None:
        """Say what is being done, where it may take a while."""
        if notes > _MANY:
            self.totals.setText(f"{doing} {amounts.count(notes, 'note')}…")

    def _decided(self, ids: NoteIds[int], included: bool, decision: Decision) -> None:
        if decision.notes:
            step = undo_steps.decided(ids, included, decision, self._after_step)
            self._history.add(step)
        self._after_change()

    def _folder_decided(self, included: bool, decision: FolderDecision) -> None:
        self._history.add(undo_steps.folder_decided(included, decision, self._after_step))
        self._after_change()

    def _use_language(self, language: Language, use: bool) -> None:
        self._history.do(undo_steps.language_used(language, use, self._after_step))

    def _choose_own_name(self, name: str) -> None:
        self._history.do(undo_steps.own_name_added(short_name(name), self._after_step))

    def _undo_for_note(
        self, note_id: int, step: str, undo: bool, only: tuple[bytes, ...] | None
    ) -> None:
        self._change(StepChange((step,), undo, note_id, only), "for this note")

    def _change(self, change: StepChange, where: str) -> None:
        self._history.do(undo_steps.findings_changed(change, where, self._after_step))

    def _after_step(self, _: bool) -> None:
        self.group_bar.show_group(self.chips.key)
        self._after_change()
