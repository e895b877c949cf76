"""Deleting by way of the bin, with an undo; and what else a person does with the bin."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from PySide6.QtCore import QObject, QTimer, Signal

from app.library.adapter_identity import another, identity_of
from app.library.background import Background
from app.library.preferences import Preferences
from app.library.undo_history import Step, UndoHistory
from app.text import amounts
from app.text.error_text import trouble
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.library import Library
from mlx_backend.library.bin import Bin, BinKind, Binned, Restored

Key = int | str
"""A row's id; the name of an adapter or a model."""

THINGS: dict[BinKind, tuple[str, str]] = {
    "adapter": ("adapter", "adapters"),
    "conversation": ("conversation", "conversations"),
    "model": ("model", "models"),
    "note": ("note", "notes"),
    "sample": ("sample", "samples"),
}

_T = TypeVar("_T")

_LOOK_MS = 6 * 3_600_000
_NOT_THERE = "no longer in the bin."
_AT_ONCE = 200  # rows, which the bin moves in one transaction


@dataclass(frozen=True)
class Change:
    """Things of one kind that went into the bin, or came back from it."""

    kind: BinKind
    keys: tuple[Key, ...]
    is_back: bool


class Deletions(QObject):
    """Moves things into the library's bin and out of it, in the background."""

    leaving = Signal(object)
    """A Change that is about to happen: what still uses these things is to let go of them."""

    changed = Signal(object)
    """A Change that happened."""

    emptied = Signal()
    """Something was thrown out of the bin."""

    def __init__(
        self,
        library: Library,
        background: Background,
        history: UndoHistory,
        preferences: Preferences,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._library = library
        self._background = background
        self._history = history
        self._preferences = preferences
        self._leaving: set[tuple[BinKind, Key]] = set()
        self._look = QTimer(self, interval=_LOOK_MS)  # a window may stay open for weeks
        self._look.timeout.connect(self.purge)

    def begin(self) -> None:
        """Throw out, from now on, what was kept long enough."""
        self._look.start()
        self.purge()

    def shut_down(self) -> None:
        """Look no longer."""
        self._look.stop()

    def purge(self) -> None:
        """Throw out what has been in the bin for as long as the person wants it kept.

        Where that fails, the next look tries again: nobody asked for this one.
        """
        days = self._preferences.settings.bin_days
        self._background.call(
            lambda db: self._bin(db).purge(days, time.time()),
            lambda thrown_out: self.emptied.emit() if thrown_out else None,
            lambda _: None,
        )

    def delete(self, kind: BinKind, keys: Sequence[Key], name: str, told: str = "") -> None:
        """Move things into the bin. `name` is what the person knows them by, where there is one.

        told: what else they should know of it, in sentences.
        """
        new = [key for key in keys if (kind, key) not in self._leaving]
        if not new:
            return  # they are on their way
        what = _what(kind, len(new), name)
        moved = _Moved(self._library, kind, tuple(new))
        sentence = " ".join(filter(None, (f"Deleted {what}.", told, self._kept(len(new)))))
        self._history.do(self._step(moved, f"Delete {_in_menu(what)}", sentence, True))

    def restore(self, items: Sequence[Binned]) -> None:
        """Bring things back from the bin, which can be undone like all else."""
        for kind in THINGS:
            of_kind = tuple(item for item in items if item.kind == kind)
            if of_kind:
                what = _what(kind, len(of_kind), of_kind[0].name)
                moved = _Moved(self._library, kind, (), of_kind)
                sentence = f"Restored {what}."
                self._history.do(self._step(moved, f"Restore {_in_menu(what)}", sentence, False))

    def throw_out(self, items: Sequence[Binned]) -> None:
        """Delete these for good, and nothing that came into the bin since they were listed."""
        ids = [item.id for item in items]
        self._background.call(
            lambda db: self._bin(db).remove_all(ids),
            lambda _: self.emptied.emit(),
            self._take_failure,
        )

    def items(self, show: Callable[[list[Binned]], None]) -> None:
        """Look what is in the bin, and show it."""
        self._background.call(lambda db: self._bin(db).items(), show)

    def _bin(self, db: sqlite3.Connection) -> Bin:
        return Bin(self._library, db)

    def _step(self, moved: _Moved, name: str, sentence: str, deletes: bool) -> Step:
        return Step(
            name,
            sentence,
            do=moved.delete if deletes else moved.restore,
            undo=moved.restore if deletes else moved.delete,
            begins=lambda forward: self._begin(moved, goes=forward == deletes),
            ends=lambda forward: self._end(moved, goes=forward == deletes),
            failed=lambda: self._end(moved, goes=False),
        )

    def _begin(self, moved: _Moved, goes: bool) -> None:
        if goes:
            self._leaving |= moved.names()
            self.leaving.emit(Change(moved.kind, moved.keys, is_back=False))

    def _end(self, moved: _Moved, goes: bool) -> None:
        self._leaving -= moved.names()
        self.changed.emit(Change(moved.kind, moved.keys, is_back=not goes))

    def _take_failure(self, error: OvernightError) -> None:
        self.emptied.emit()
        self._background.failed.emit(error)

    def _kept(self, things: int) -> str:
        days = self._preferences.settings.bin_days
        what = "it" if things == 1 else "them"
        how_long = f"for {amounts.count(days, 'day')}" if days else "until you empty it"
        return f"The bin keeps {what} {how_long}."


class _Moved:
    """Things of one kind, wherever they are now. The background's thread moves them."""

    def __init__(
        self,
        library: Library,
        kind: BinKind,
        keys: tuple[Key, ...],
        items: tuple[Binned, ...] = (),
    ) -> None:
        self._library = library
        self._items = items
        self._back: list[Restored] = []  # from a restoring that failed half-way
        self._identities: dict[Key, str] = {}
        self.kind = kind
        self.keys = keys

    def names(self) -> set[tuple[BinKind, Key]]:
        """The identity of these items."""
        return {(self.kind, key) for key in self.keys}

    def delete(self, db: sqlite3.Connection) -> str:
        """Move them into the bin. A name that is another adapter's by now is left alone.

        Where only some can be moved, those are what was moved, and the sentence says why.
        """
        for name in self.keys if self.kind == "adapter" else ():
            identity = identity_of(self._library, str(name))
            if self._identities.setdefault(name, identity) != identity:
                raise another(str(name))
        bin_, items, done = Bin(self._library, db), list[Binned](), 0
        for some in _parts(self.kind, self.keys):
            try:
                items += _delete(bin_, self.kind, some)
            except OvernightError as error:
                if not items:
                    raise
                return self._keep_rest(items, done, error)
            done += len(some)
        self._items = tuple(items)
        return ""

    def _keep_rest(self, items: Sequence[Binned], done: int, error: OvernightError) -> str:
        whole = len(self.keys)
        self._items, self.keys = tuple(items), self.keys[:done]
        deleted = f"Deleted {amounts.part(done, whole)} {THINGS[self.kind][1]}."
        return f"{deleted} {trouble(error)}"

    def restore(self, db: sqlite3.Connection) -> str:
        """Bring back those that are still there; raises OvernightError where none is."""
        bin_ = Bin(self._library, db)
        there = {item.id for item in bin_.items()}
        items = [item for item in self._items if item.id in there]
        lost = len(self._items) - len(items) - len(self._back)
        if not items and not self._back:
            raise _gone(self.kind, self._items)
        for some in _parts(self.kind, items):
            self._back += bin_.restore_all(item.id for item in some)
        restored, self._back = self._back, []
        self.keys = tuple(each.name if each.row is None else each.row for each in restored)
        if self.kind == "adapter":
            self._identities = {key: identity_of(self._library, str(key)) for key in self.keys}
        if lost:
            return f"{amounts.count(lost, *THINGS[self.kind])} could not come back: {_NOT_THERE}"
        return " ".join(_renamed(each) for each in restored if each.name != each.item.name)


def _parts(kind: BinKind, all_: Sequence[_T]) -> Iterator[Sequence[_T]]:
    """Batches that succeed or fail as a whole: one folder, or the rows of a transaction."""
    size = 1 if kind in ("adapter", "model") else _AT_ONCE
    for start in range(0, len(all_), size):
        yield all_[start : start + size]


def _delete(bin_: Bin, kind: BinKind, keys: Sequence[Key]) -> tuple[Binned, ...]:
    match kind:
        case "adapter":
            return tuple(bin_.delete_adapter(str(name)) for name in keys)
        case "model":
            return tuple(bin_.delete_model(str(name)) for name in keys)
    ids = [int(key) for key in keys]
    delete = {
        "conversation": bin_.delete_conversations,
        "note": bin_.delete_notes,
        "sample": bin_.delete_samples,
    }
    return delete[kind](ids)


def _what(kind: BinKind, number: int, name: str) -> str:
    """'“Notes”', '3 notes', 'the sample'."""
    if number > 1:
        return amounts.count(number, *THINGS[kind])
    return f"“{name}”" if name else f"the {kind}"


def _in_menu(what: str) -> str:
    """'3 Notes'; a name stays as it is."""
    return what if "“" in what else what.title()


def _gone(kind: BinKind, items: Sequence[Binned]) -> OvernightError:
    what = _what(kind, len(items), items[0].name if items else "")
    return OvernightError(
        ErrorKind.BAD_INPUT, f"{_capital(what)} could not come back: {_NOT_THERE}"
    )


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def _renamed(restored: Restored) -> str:
    return f"“{restored.item.name}” is “{restored.name}” now, because its name was taken meanwhile."
