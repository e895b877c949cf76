"""Whatever a person does in the window, in any order: nothing is lost, and what is shown is so."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import Phase, settings, strategies
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.shell.window import ENTRIES
from app.style import zoom
from app.widgets.deletable_list import choose_row, choose_rows
from mlx_backend.jobs import JobFolder
from mlx_backend.library import Library
from mlx_backend.library.bin import Bin
from mlx_backend.library.database import opened
from mlx_backend.library.imports import ImportRecords
from mlx_backend.library.notes import Notes
from tests.app.filled import add_adapter, add_notes
from tests.app.held_window import HeldWindow
from tests.app.things import Model, Thing
from tests.app.whereabouts import (
    IN_BIN,
    deleted_files,
    fill,
    item_things,
    learned,
    mark,
    sample_notes,
    whereabouts,
)

ACTS, ACTS_AT_ONCE, LIBRARIES = 1_000, 80, 14
_ZOOMS, _RESTARTS = 1, 3  # with one library, since each takes as long as ten other acts
_MOST = 4  # of what is easily made, so that deleting is not the rarer act
_PAGES = {"adapter": "adapters", "conversation": "chat", "model": "models"}
_NAMES = strategies.sampled_from(("Amber", "Birch", "Dune", "amber", "Elm"))
_TELLING = (
    *("delete", "delete_rows", "undo", "redo", "rename", "restore", "throw_out"),
    *("import_deleted", "switch", "zoom"),
)
_ANY = strategies.integers(0, 10**6)
_CTRL, _SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


class Person(RuleBasedStateMachine):
    """Acts on a real window over a small library; `Model` says what is to come of it."""

    acts: ClassVar[Counter[str]] = Counter()
    """How often each kind of act was done, and changed something."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.library = Library.open(self.folder / "library")
        fill(self.library)
        self.model = Model(names=whereabouts(self.library), notes=sample_notes(self.library))
        self.before: tuple[object, ...] = ()
        self.outside = self.zooms = self.restarts = 0
        self.held = HeldWindow(self.library)

    def teardown(self) -> None:
        self.held.close()
        shutil.rmtree(self.folder)

    # --- acts ---

    @rule(number=_ANY, kind=strategies.sampled_from(("adapter", "conversation", "model")))
    def delete(self, number: int, kind: str) -> None:
        thing = self._any(self.model.here(kind), number)
        if thing is not None:
            self.held.show(_PAGES[kind])
            self.held.press_on(thing, self.model.names[thing], Qt.Key.Key_Delete)
            self.model.delete([thing])
        self._agree()

    @rule(numbers=strategies.lists(_ANY, min_size=1, max_size=3), samples=strategies.booleans())
    def delete_rows(self, numbers: list[int], samples: bool) -> None:
        kind = "sample" if samples else "note"
        here = self.model.here(kind)
        things = sorted({here[number % len(here)] for number in numbers}) if here else []
        if things:
            self.held.show("notes", samples)
            table, view = self.held.listed(samples)
            self.held.wait(lambda: len(table.rows_of(map(_number, things))) == len(things))
            choose_rows(view, table.rows_of(map(_number, things)))
            self.held.press(view, Qt.Key.Key_Backspace)
            self.model.delete(things)
        self._agree()

    @rule(number=_ANY)
    def delete_twice(self, number: int) -> None:
        self.held.show("adapters")
        page = self.held.adapters
        names = self.held.shown_adapters()
        if len(names) > 1:
            first = number % (len(names) - 1)
            choose_row(page.list, first)
            self.held.press(page.list, Qt.Key.Key_Delete)
            self.held.press(page.list, Qt.Key.Key_Delete)
            for name in names[first : first + 2]:
                self.model.delete([self._called("adapter", name)])
        self._agree()

    @rule(by_menu=strategies.booleans())
    def undo(self, by_menu: bool) -> None:
        if by_menu:
            self.held.window.undo.undo.trigger()
        else:
            QTest.keyClick(self.held.focus(), Qt.Key.Key_Z, _CTRL)
        self.model.undo()
        self._agree()

    @rule()
    def redo(self) -> None:
        QTest.keyClick(self.held.focus(), Qt.Key.Key_Z, _CTRL | _SHIFT)
        self.model.redo()
        self._agree()

    @rule(number=_ANY, name=_NAMES, talks=strategies.booleans())
    def rename(self, number: int, name: str, talks: bool) -> None:
        kind = "conversation" if talks else "adapter"
        thing = self._any(self.model.here(kind), number)
        if thing is not None:
            self.held.show(_PAGES[kind])
            self.held.press_on(thing, self.model.names[thing], Qt.Key.Key_F2)
            editor = self.held.chat.sidebar.rename if talks else self.held.adapters.rename
            self.held.type_name(editor, name)
            is_new = name != self.model.names[thing]
            taken = not talks and is_new and self.model._is_taken(thing, name)
            assert editor.field.isVisible() == taken
            if taken:
                assert editor.problem.text()
                QTest.keyClick(editor.field, Qt.Key.Key_Escape)
            elif is_new:
                self.model.rename(thing, name)
        self._agree()

    @precondition(lambda self: len(self.model.here("conversation")) < _MOST)
    @rule()
    def ask(self) -> None:
        self.held.show("chat")
        chat = self.held.chat
        chat.new_conversation()
        self.outside += 1
        QTest.keyClicks(chat.input, f"Q{self.outside}")
        QTest.keyClick(chat.input, Qt.Key.Key_Return)
        self.held.wait(lambda: bool(chat.session.exchanges) and not chat.session.is_busy)
        self._take_new("conversation")
        self._agree()

    @rule(name=_NAMES)
    def train_outside(self, name: str) -> None:
        if not any(self.model.names[each] == name for each in self.model.here("adapter")):
            self.outside += 1
            mark(add_adapter(self.library, name, age_s=-self.outside))
            self._take_new("adapter")
            with opened(self.library.database) as db:
                Notes(db).mark_learned(name, Notes(db).versions())
            self.model.learn(self._called("adapter", name))
            self.held.come_back()
        self._agree()

    @precondition(lambda self: len(self.model.here("note")) < _MOST)
    @rule()
    def import_outside(self) -> None:
        self.outside += 1
        add_notes(self.library, {f"Note {self.outside}": f"Number {self.outside}."}, "/more")
        self._take_new("note")
        self.held.come_back()
        self._agree()

    @rule(number=_ANY)
    def import_deleted(self, number: int) -> None:
        """A file whose note is in the bin is imported by itself: so it is wanted again."""
        files = deleted_files(self.library)
        thing = self._any(sorted(files), number)
        if thing is not None:
            with opened(self.library.database) as db:
                ImportRecords(Notes(db)).take_in_again(files[thing])
            self.model.restore_outside(thing)
            self.held.come_back()
        self._agree()

    @rule(number=_ANY, kind=strategies.sampled_from(("adapter", "note", "sample", "conversation")))
    def remove_outside(self, number: int, kind: str) -> None:
        thing = self._any(self.model.here(kind), number)
        if thing is not None:
            with opened(self.library.database) as db:
                bin_ = Bin(self.library, db)
                match kind:
                    case "adapter":
                        bin_.delete_adapter(self.model.names[thing])
                    case "note":
                        bin_.delete_notes([_number(thing)])
                    case "sample":
                        bin_.delete_samples([_number(thing)])
                    case "conversation":
                        bin_.delete_conversations([_number(thing)])
            self.model.remove_outside(thing)
            self.held.come_back()
        self._agree()

    @rule(number=_ANY, outside=strategies.booleans())
    def restore(self, number: int, outside: bool) -> None:
        self.held.show("bin")
        row = self._any_row(number)
        if row is not None:
            item_id, thing = row
            note = self.model.notes.get(thing)
            is_orphan = note is not None and note not in self.model.here("note")
            if outside and not is_orphan:
                with opened(self.library.database) as db:
                    Bin(self.library, db).restore(item_id)
                self.model.restore_outside(thing)
                self.held.come_back()
            elif not is_orphan:
                self.held.bin.restore.click()
                self.model.restore(thing)
        self._agree()

    @rule(number=_ANY)
    def throw_out(self, number: int) -> None:
        self.held.show("bin")
        row = self._any_row(number)
        if row is not None:
            QTest.keyClick(self.held.focus(self.held.bin.view), Qt.Key.Key_Delete)
            self.held.confirm()
            self.model.throw_out(row[1])
        self._agree()

    @precondition(lambda self: len(self.model.binned) > 4)
    @rule()
    def empty(self) -> None:
        self.held.show("bin")
        self.held.bin.empty_all.click()
        self.held.confirm()
        for thing in list(self.model.binned):
            if thing in self.model.binned:
                self.model.throw_out(thing)
        self._agree()

    @rule(page=strategies.sampled_from([entry.key for entry in ENTRIES]))
    def switch(self, page: str) -> None:
        self.held.show(page)
        self._agree()

    @precondition(lambda self: self.zooms < _ZOOMS)
    @rule(key=strategies.sampled_from((Qt.Key.Key_Plus, Qt.Key.Key_Minus, Qt.Key.Key_0)))
    def zoom(self, key: Qt.Key) -> None:
        QTest.keyClick(self.held.focus(), key, _CTRL)
        self.zooms += 1
        self._agree()

    @rule()
    def minimise(self) -> None:
        self.held.window.showMinimized()
        QApplication.processEvents()
        self.held.window.come_forward()
        self._agree()

    @precondition(lambda self: self.restarts < _RESTARTS)
    @rule()
    def restart(self) -> None:
        self.restarts += 1
        self.held.close()
        self.held.open()
        self.model.restart()
        self._agree()

    # --- what there is ---

    def _any(self, things: list[Thing], number: int) -> Thing | None:
        return things[number % len(things)] if things else None

    def _called(self, kind: str, name: str) -> Thing:
        return next(each for each in self.model.here(kind) if self.model.names[each] == name)

    def _any_row(self, number: int) -> tuple[str, Thing] | None:
        """Choose a row of the bin: its item, and the thing that it is."""
        table = self.held.bin.table
        if not table.rowCount():
            return None
        row = number % table.rowCount()
        choose_row(self.held.bin.view, row)
        item = table.item(row)
        return item.id, item_things(self.library)[item.id]

    def _take_new(self, kind: str) -> None:
        """What appeared on the disk is one thing of this kind."""
        now = whereabouts(self.library)
        (new,) = now.keys() - self.model.names.keys()
        assert new[0] == kind
        self.model.names[new] = now[new]

    def _agree(self) -> None:
        """The disk is as the model has it, and the page that is there shows it."""
        self.held.settle()
        there = whereabouts(self.library)
        wanted = {
            thing: IN_BIN if thing in self.model.binned else name
            for thing, name in self.model.names.items()
        }
        assert there == wanted
        assert learned(self.library) == self.model.learned_names()
        self.acts["all"] += 1
        now = (wanted, self.held.window.page_shown, zoom())
        self.acts[sys._getframe(1).f_code.co_name] += now != self.before
        self.before = now
        history = self.held.services.history
        assert (history.undo_name is None) == (not self.model.done)
        assert (history.redo_name is None) == (not self.model.undone)
        self.held.wait(self._is_shown, self._disagreement)

    def _is_shown(self) -> bool:
        kind, shown = self.held.shown()
        return not kind or shown == self._listed(kind)

    def _listed(self, kind: str) -> list[str]:
        if kind == "item":
            return sorted(item_things(self.library))
        return sorted(self.model.names[each] for each in self.model.here(kind))

    def _disagreement(self) -> str:
        kind, shown = self.held.shown()
        return f"shows as {kind}: {shown}, not {self._listed(kind)}"


def _number(thing: Thing) -> int:
    return int(thing[1])


@pytest.fixture
def quiet(stand_ins: None, launched: list[JobFolder], qapp: QApplication) -> Iterator[None]:
    """No process is started but the stand-ins, and closing a window does not end the test."""
    closes = qapp.quitOnLastWindowClosed()
    qapp.setQuitOnLastWindowClosed(False)
    yield
    qapp.setProperty("zoom", 100)
    qapp.setQuitOnLastWindowClosed(closes)


def test_a_thousand_acts_lose_nothing(quiet: None) -> None:
    # Not shrunk when it fails: that would open windows for a quarter of an hour.
    wanted = settings(
        max_examples=LIBRARIES, stateful_step_count=ACTS_AT_ONCE, phases=(Phase.generate,)
    )
    while Person.acts["all"] < ACTS:  # how many a library gets is random
        run_state_machine_as_test(Person, settings=wanted)
    assert all(Person.acts[act] for act in _TELLING)
