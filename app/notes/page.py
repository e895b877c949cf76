"""Notes: what there is to learn from."""

from __future__ import annotations

import functools
from pathlib import Path

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QStackedLayout, QVBoxLayout, QWidget

from app.library.deletions import Change
from app.notes.browser import NotesBrowser
from app.notes.decisions import DecisionSteps
from app.notes.groups import GROUPS, SKIPPED
from app.notes.note_table_model import TITLE
from app.notes.samples.page import SamplesPage
from app.notes.totals import totals_line
from app.notes.welcome import NotesWelcome
from app.services import Services
from app.text import amounts
from app.widgets.deletable_list import choose_neighbour
from app.widgets.reveal import reveal
from app.widgets.undo_bar import UndoBar
from mlx_backend.library.note_browsing import Browsing, NoteFilter, NoteIds, Overview

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
        self._decisions = DecisionSteps(background, services.history, self)
        self._overview = Overview()
        self._found = 0
        self._is_looking = False
        self._shows_samples = False
        self._place: tuple[int, int, int] | None = None
        self._back: tuple[int, ...] = ()
        self._wanted = NoteFilter()
        self.welcome = NotesWelcome()
        self.browser = browser = NotesBrowser(services)
        self.table, self.list, self.preview = browser.table, browser.list, browser.preview
        self.tree, self.folders = browser.tree, browser.folders
        self.skipped, self.undo_bar = browser.skipped, browser.undo_bar
        header = browser.header
        self.segments, self.search, self.totals = header.segments, header.search, header.totals
        self.chips, self.group_bar = header.chips, header.group_bar
        self.import_bar = header.import_bar
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
        invitation = QWidget()
        layout = QVBoxLayout(invitation)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.welcome, 1)
        layout.addWidget(UndoBar(self._services.history))
        self._stack.addWidget(QWidget())  # until the first look, neither list nor invitation
        self._stack.addWidget(invitation)
        self._stack.addWidget(self.browser)

    def _connect(self) -> None:
        self.search.textEdited.connect(lambda _: self._typing.start())
        self.search.textChanged.connect(lambda text: None if text else self._list())
        self._typing.timeout.connect(self._list)
        self._refreshing.timeout.connect(self.refresh)
        self.browser.folder_wanted.connect(self.folder_wanted)
        self.welcome.folder_wanted.connect(self.folder_wanted)
        self.welcome.samples_wanted.connect(self.samples_wanted)
        self.list.chosen.connect(self.preview.show_notes)
        self.list.inclusion_wanted.connect(self._decide_chosen)
        self.list.delete_wanted.connect(self._delete_chosen)
        self._services.deletions.changed.connect(self._take_change)
        self.list.reveal_wanted.connect(lambda note: reveal(Path(note.path)))
        self.preview.inclusion_wanted.connect(self._decide_chosen)
        self.preview.undo_wanted.connect(self._decisions.undo_for_note)
        self.folders.chosen.connect(self._folder_chosen)
        self.folders.inclusion_wanted.connect(self._decide_folder)
        self.folders.watch_wanted.connect(self._watched.watch)
        self.chips.chosen.connect(self._group_chosen)
        self.group_bar.undo_wanted.connect(self._decisions.undo_for_all)
        self.group_bar.languages.use_wanted.connect(self._decisions.use_language)
        self.preview.own_name_chosen.connect(self._decisions.add_own_name)
        self._decisions.decided.connect(self._after_change)
        self._decisions.stepped.connect(self._take_step)
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
            # A search that a later one has replaced is not worth its time.
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
            self.browser.show_empty(False)
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
        self._show_emptiness()
        self._show_counts()
        if self.chips.key == SKIPPED:
            self.skipped.load()
        self._refresh_tree()
        self._show_totals()

    def _show_emptiness(self) -> None:
        """Of files that were skipped, and notes that come in just now, there is a list to see."""
        has_list = self.chips.key == SKIPPED or self._imports.is_busy
        self.browser.show_empty(not (self._overview.notes or has_list))

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
            self._show_emptiness()
            if not (self._refreshing.isActive() or self._is_looking):
                self._refreshing.start()

    def _after_change(self) -> None:
        self.refresh()
        self.notes_changed.emit()

    def _folder_chosen(self, path: str) -> None:
        self.preview.charts.show_folder(path)
        self._list()

    def _group_chosen(self, key: str) -> None:
        self.group_bar.show_group(key)
        self.browser.show_skipped(key == SKIPPED)
        self._show_emptiness()
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
        self._decisions.decide(ids, included)
        self._announce(len(ids), included)

    def _decide_folder(self, path: str, included: bool) -> None:
        if path:
            self._decisions.decide_folder(path, included)
        else:
            self._decisions.decide_all(included)
        self._announce(self.table.rowCount(), included)

    def _announce(self, notes: int, included: bool) -> None:
        self._say_doing("Bringing back" if included else "Leaving out", notes)

    def _say_doing(self, doing: str, notes: int) -> None:
        """Say what is being done, where it may take a while."""
        if notes > _MANY:
            self.totals.setText(f"{doing} {amounts.count(notes, 'note')}…")

    def _take_step(self) -> None:
        self.group_bar.show_group(self.chips.key)
        self._after_change()
