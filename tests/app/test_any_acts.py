"""Whatever a person does in the window, in any order: nothing is lost, and what is shown is so."""

from __future__ import annotations

import functools
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar, cast

import pytest
from hypothesis import Phase, settings, strategies
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test
from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractItemView, QApplication, QWidget

from app.paged_table import PagedTable
from app.pages.adapters import AdaptersPage
from app.pages.bin import BinPage
from app.pages.chat import ChatPage
from app.pages.models import ModelsPage
from app.pages.notes import NotesPage
from app.services import Services, make_services
from app.widgets.confirm import ConfirmDialog
from app.widgets.deletable_list import choose_row, choose_rows
from app.widgets.inline_rename import InlineRename
from app.window import Window
from mlx_backend.jobs import JobFolder
from mlx_backend.library import Library
from mlx_backend.library.bin import Bin
from mlx_backend.library.database import opened
from tests.app.filled import add_adapter, add_notes
from tests.app.things import Model, Thing
from tests.app.whereabouts import IN_BIN, fill, item_things, mark, sample_notes, whereabouts

ACTS, ACTS_AT_ONCE, WINDOWS = 1_000, 50, 27
_MOST = 4  # of what is easily made, so that deleting is not the rarer act
_PATIENCE, _NAP_S = 20_000, 0.0003
_PAGES = {"adapter": "adapters", "conversation": "chat", "model": "models"}
_NAMES = strategies.sampled_from(("Amber", "Birch", "Dune", "amber", "Elm"))
_TELLING = ("delete", "delete_rows", "undo", "redo", "rename", "restore", "throw_out")
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
        self.before: dict[Thing, str] = {}
        self.outside = 0
        self._open()

    def teardown(self) -> None:
        self._close()
        shutil.rmtree(self.folder)

    # --- acts ---

    @rule(number=_ANY, kind=strategies.sampled_from(("adapter", "conversation", "model")))
    def delete(self, number: int, kind: str) -> None:
        thing = self._any(self.model.here(kind), number)
        if thing is not None:
            self._show(_PAGES[kind])
            self._press_on(thing, Qt.Key.Key_Delete)
            self.model.delete([thing])
        self._agree()

    @rule(numbers=strategies.lists(_ANY, min_size=1, max_size=3), samples=strategies.booleans())
    def delete_rows(self, numbers: list[int], samples: bool) -> None:
        kind = "sample" if samples else "note"
        here = self.model.here(kind)
        things = sorted({here[number % len(here)] for number in numbers}) if here else []
        if things:
            self._show("notes", samples)
            table, view = self._listed(samples)
            self._wait(lambda: len(table.rows_of(map(_number, things))) == len(things))
            choose_rows(view, table.rows_of(map(_number, things)))
            self._press(view, Qt.Key.Key_Backspace)
            self.model.delete(things)
        self._agree()

    @rule(number=_ANY)
    def delete_twice(self, number: int) -> None:
        self._show("adapters")
        page = self._adapters
        names = self._shown_adapters()
        if len(names) > 1:
            first = number % (len(names) - 1)
            choose_row(page.list, first)
            self._press(page.list, Qt.Key.Key_Delete)
            self._press(page.list, Qt.Key.Key_Delete)
            for name in names[first : first + 2]:
                self.model.delete([self._called("adapter", name)])
        self._agree()

    @rule(by_menu=strategies.booleans())
    def undo(self, by_menu: bool) -> None:
        if by_menu:
            self.window.undo.undo.trigger()
        else:
            QTest.keyClick(self._focus(), Qt.Key.Key_Z, _CTRL)
        self.model.undo()
        self._agree()

    @rule()
    def redo(self) -> None:
        QTest.keyClick(self._focus(), Qt.Key.Key_Z, _CTRL | _SHIFT)
        self.model.redo()
        self._agree()

    @rule(number=_ANY, name=_NAMES, talks=strategies.booleans())
    def rename(self, number: int, name: str, talks: bool) -> None:
        kind = "conversation" if talks else "adapter"
        thing = self._any(self.model.here(kind), number)
        if thing is not None:
            self._show(_PAGES[kind])
            self._press_on(thing, Qt.Key.Key_F2)
            editor = self._chat.sidebar.rename if talks else self._adapters.rename
            self._type_name(editor, name)
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
        self._show("chat")
        chat = self._chat
        chat.new_conversation()
        self.outside += 1
        QTest.keyClicks(chat.input, f"Q{self.outside}")
        QTest.keyClick(chat.input, Qt.Key.Key_Return)
        self._wait(lambda: bool(chat.session.exchanges) and not chat.session.is_busy)
        self._take_new("conversation")
        self._agree()

    @rule(name=_NAMES)
    def train_outside(self, name: str) -> None:
        if not any(self.model.names[each] == name for each in self.model.here("adapter")):
            self.outside += 1
            mark(add_adapter(self.library, name, age_s=-self.outside))
            self._take_new("adapter")
            self._come_back()
        self._agree()

    @precondition(lambda self: len(self.model.here("note")) < _MOST)
    @rule()
    def import_outside(self) -> None:
        self.outside += 1
        add_notes(self.library, {f"Note {self.outside}": f"Number {self.outside}."}, "/more")
        self._take_new("note")
        self._come_back()
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
            self._come_back()
        self._agree()

    @rule(number=_ANY, outside=strategies.booleans())
    def restore(self, number: int, outside: bool) -> None:
        self._show("bin")
        row = self._any_row(number)
        if row is not None:
            item_id, thing = row
            note = self.model.notes.get(thing)
            is_orphan = note is not None and note not in self.model.here("note")
            if outside and not is_orphan:
                with opened(self.library.database) as db:
                    Bin(self.library, db).restore(item_id)
                self.model.restore_outside(thing)
                self._come_back()
            elif not is_orphan:
                self._bin.restore.click()
                self.model.restore(thing)
        self._agree()

    @rule(number=_ANY)
    def throw_out(self, number: int) -> None:
        self._show("bin")
        row = self._any_row(number)
        if row is not None:
            QTest.keyClick(self._focus(self._bin.view), Qt.Key.Key_Delete)
            self._confirm()
            self.model.throw_out(row[1])
        self._agree()

    @precondition(lambda self: len(self.model.binned) > 4)
    @rule()
    def empty(self) -> None:
        self._show("bin")
        self._bin.empty_all.click()
        self._confirm()
        for thing in list(self.model.binned):
            if thing in self.model.binned:
                self.model.throw_out(thing)
        self._agree()

    @rule(page=strategies.sampled_from(("notes", "tonight", "chat", "settings", "bin")))
    def switch(self, page: str) -> None:
        self._show(page)
        self._agree()

    @rule()
    def minimise(self) -> None:
        self.window.showMinimized()
        QApplication.processEvents()
        self.window.come_forward()
        self._agree()

    @rule()
    def restart(self) -> None:
        self._close()
        self._open()
        self.model.restart()
        self._agree()

    # --- the window ---

    def _open(self) -> None:
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        self.services: Services = make_services(self.library, app)
        self.window = Window(self.services)
        self.window.show()
        self.window.activateWindow()
        self._settle()

    def _close(self) -> None:
        self.window.close()
        self.services.close()
        self.window.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)

    @property
    def _adapters(self) -> AdaptersPage:
        return cast(AdaptersPage, self.window.page("adapters"))

    @property
    def _chat(self) -> ChatPage:
        return cast(ChatPage, self.window.page("chat"))

    @property
    def _bin(self) -> BinPage:
        return cast(BinPage, self.window.page("bin"))

    @property
    def _notes(self) -> NotesPage:
        return cast(NotesPage, self.window.page("notes"))

    def _show(self, page: str, samples: bool = False) -> None:
        self.window.show_page(page)
        if page == "notes":
            self._notes.show_samples(samples)
        self._settle()

    def _come_back(self) -> None:
        """The person was in the terminal, and comes back to the window."""
        if self.window.isActiveWindow():
            QCoreApplication.sendEvent(self.window, QEvent(QEvent.Type.ActivationChange))
        else:
            self.window.activateWindow()

    def _settle(self) -> None:
        """Let all that was begun come to its end."""
        for _ in range(3):
            done: list[None] = []
            self.services.background.call(lambda _: None, done.append)
            self._wait(functools.partial(bool, done))

    def _wait(
        self, condition: Callable[[], bool], problem: Callable[[], str] = lambda: "never"
    ) -> None:
        for _ in range(_PATIENCE):
            QApplication.processEvents()
            if condition():
                return
            time.sleep(_NAP_S)
        raise AssertionError(problem())

    def _focus(self, widget: QWidget | None = None) -> QWidget:
        if not self.window.isActiveWindow():
            self.window.activateWindow()
            QApplication.processEvents()
        if widget is not None:
            widget.setFocus()
            return widget
        focused: QWidget | None = self.window.focusWidget()
        return self.window if focused is None else focused

    def _press(self, widget: QWidget, key: Qt.Key) -> None:
        QTest.keyClick(self._focus(widget), key)

    def _press_on(self, thing: Thing, key: Qt.Key) -> None:
        """Choose a thing on its page, and press a key."""
        match thing[0]:
            case "adapter":
                choose_row(
                    self._adapters.list, self._adapters.table.row_of(self.model.names[thing])
                )
                self._press(self._adapters.list, key)
            case "conversation":
                sidebar = self._chat.sidebar
                choose_row(sidebar.view, sidebar.list.row_of(_number(thing)))
                self._settle()
                self._press(sidebar.view, key)
            case "model":
                models = cast(ModelsPage, self.window.page("models"))
                self._press(models.button_of(self.model.names[thing]), key)

    def _type_name(self, editor: InlineRename, name: str) -> None:
        editor.field.selectAll()
        QTest.keyClicks(editor.field, name)
        QTest.keyClick(editor.field, Qt.Key.Key_Return)

    def _confirm(self) -> None:
        dialog = QApplication.activeModalWidget()
        assert isinstance(dialog, ConfirmDialog)
        dialog.deed.click()

    # --- what there is ---

    def _any(self, things: list[Thing], number: int) -> Thing | None:
        return things[number % len(things)] if things else None

    def _called(self, kind: str, name: str) -> Thing:
        return next(each for each in self.model.here(kind) if self.model.names[each] == name)

    def _any_row(self, number: int) -> tuple[str, Thing] | None:
        """Choose a row of the bin: its item, and the thing that it is."""
        table = self._bin.table
        if not table.rowCount():
            return None
        row = number % table.rowCount()
        choose_row(self._bin.view, row)
        item = table.item(row)
        return item.id, item_things(self.library)[item.id]

    def _take_new(self, kind: str) -> None:
        """What appeared on the disk is one thing of this kind."""
        now = whereabouts(self.library)
        (new,) = now.keys() - self.model.names.keys()
        assert new[0] == kind
        self.model.names[new] = now[new]

    def _listed(self, samples: bool) -> tuple[PagedTable[Any], QAbstractItemView]:
        page = self._notes
        return (page.samples.table, page.samples.view) if samples else (page.table, page.list)

    def _shown_adapters(self) -> list[str]:
        table = self._adapters.table
        return [table.adapter(row).name for row in range(table.rowCount())]

    def _agree(self) -> None:
        """The disk is as the model has it, and the page that is there shows it."""
        self._settle()
        there = whereabouts(self.library)
        wanted = {
            thing: IN_BIN if thing in self.model.binned else name
            for thing, name in self.model.names.items()
        }
        assert there == wanted
        self.acts["all"] += 1
        self.acts[sys._getframe(1).f_code.co_name] += wanted != self.before
        self.before = wanted
        history = self.services.history
        assert (history.undo_name is None) == (not self.model.done)
        assert (history.redo_name is None) == (not self.model.undone)
        self._wait(lambda: self._shown() in (None, self._wanted()), self._disagreement)

    def _disagreement(self) -> str:
        return f"{self._page_key()} shows {self._shown()}, not {self._wanted()}"

    def _wanted(self) -> list[str]:
        kind = {
            "adapters": "adapter",
            "chat": "conversation",
            "models": "model",
            "notes": "sample" if self._notes._shows_samples else "note",
        }.get(self._page_key())
        if kind is None:
            return sorted(map(str, set(self.model.binned.values())))
        return sorted(self.model.names[each] for each in self.model.here(kind))

    def _page_key(self) -> str:
        return self.window.page_shown

    def _shown(self) -> list[str] | None:
        match self._page_key():
            case "adapters":
                return sorted(self._shown_adapters())
            case "chat":
                talks = self._chat.sidebar.list
                rows = range(talks.rowCount())
                return sorted(talks.conversation(row).title for row in rows)
            case "models":
                return sorted(set(cast(ModelsPage, self.window.page("models")).names) - {"starter"})
            case "notes":
                table, _ = self._listed(self._notes._shows_samples)
                return sorted(table.index(row, 0).data() or "" for row in range(table.rowCount()))
            case "bin":
                items = len(set(self.model.binned.values()))
                return self._wanted() if self._bin.table.rowCount() == items else ["another number"]
        return None


def _number(thing: Thing) -> int:
    return int(thing[1])


@pytest.fixture
def quiet(stand_ins: None, launched: list[JobFolder], qapp: QApplication) -> Iterator[None]:
    """No process is started but the stand-ins, and closing a window does not end the test."""
    closes = qapp.quitOnLastWindowClosed()
    qapp.setQuitOnLastWindowClosed(False)
    yield
    qapp.setQuitOnLastWindowClosed(closes)


def test_a_thousand_acts_lose_nothing(quiet: None) -> None:
    # Not shrunk when it fails: that would open windows for a quarter of an hour.
    wanted = settings(
        max_examples=WINDOWS, stateful_step_count=ACTS_AT_ONCE, phases=(Phase.generate,)
    )
    run_state_machine_as_test(Person, settings=wanted)
    assert Person.acts["all"] >= ACTS
    assert all(Person.acts[act] for act in _TELLING)
