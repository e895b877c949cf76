"""Deleting from a list: by key while it has the focus, by menu; and what is chosen afterwards."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from PySide6.QtCore import QEvent, QItemSelection, QItemSelectionModel, QObject, Qt, Signal
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QAbstractButton, QAbstractItemView, QMenu, QWidget

_KEYS = (Qt.Key.Key_Delete, Qt.Key.Key_Backspace)
_CLICKING = (Qt.Key.Key_Space, Qt.Key.Key_Select, Qt.Key.Key_Return, Qt.Key.Key_Enter)
_Modifier = Qt.KeyboardModifier


# X11 repeats a held key as a release and a press at the same moment, which Qt does not always
# recognise. No finger is as quick.
_QUICKEST_MS = 15


class Presses:
    """Tells a new press of some keys from the repeats of a held one, in one widget's events.

    A press without a release before it is a repeat, too: some remote desktops send those.
    """

    def __init__(self, keys: Collection[Qt.Key]) -> None:
        self._keys = keys
        self._is_held = False
        self._released_at = 0

    def follow(self, event: QEvent) -> None:
        """Take notice of a release, and of the focus that came or went."""
        if event.type() in (QEvent.Type.FocusIn, QEvent.Type.FocusOut):
            self._is_held = False
        if not isinstance(event, QKeyEvent) or event.type() != QEvent.Type.KeyRelease:
            return
        if event.key() in self._keys and not event.isAutoRepeat():
            self._is_held = False
            self._released_at = event.timestamp()

    def is_new(self, event: QKeyEvent) -> bool:
        """Whether a press of one of the keys is new, and not a repeat."""
        at_once = self._released_at and event.timestamp() - self._released_at < _QUICKEST_MS
        is_new = not (event.isAutoRepeat() or self._is_held or at_once)
        self._is_held = True
        return is_new


class DeleteKeys(QObject):
    """Hears Delete and Backspace (with Command too, as on a Mac) in a widget that has the focus.

    However long a key is held, it is heard once.
    """

    pressed = Signal()

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self._widget = widget
        self._presses = Presses(_KEYS)
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        self._presses.follow(event)
        if not isinstance(event, QKeyEvent) or event.type() != QEvent.Type.KeyPress:
            return super().eventFilter(watched, event)
        is_meant = self._is_meant(event)
        if is_meant and self._presses.is_new(event):
            self.pressed.emit()
        return is_meant

    def _is_meant(self, event: QKeyEvent) -> bool:
        if event.key() not in _KEYS or not self._widget.hasFocus():
            return False
        modifiers = event.modifiers() & ~_Modifier.KeypadModifier
        if event.key() == Qt.Key.Key_Backspace and modifiers == _Modifier.ControlModifier:
            return True
        return modifiers == _Modifier.NoModifier


class PressedOnce(QObject):
    """Lets a button that deletes be pressed once by a key, however long that is held."""

    def __init__(self, button: QAbstractButton) -> None:
        super().__init__(button)
        self._presses = Presses(_CLICKING)
        button.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        self._presses.follow(event)
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            return event.key() in _CLICKING and not self._presses.is_new(event)
        return super().eventFilter(watched, event)


def add_delete(menu: QMenu, text: str = "Delete") -> QAction:
    """Add an entry that shows its key. The menu only displays it; the list handles the key."""
    action = menu.addAction(text)
    action.setShortcut(QKeySequence(QKeySequence.StandardKey.Delete))
    action.setShortcutVisibleInContextMenu(True)
    action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
    return action


def chosen_ranges(view: QAbstractItemView) -> list[tuple[int, int]]:
    """The chosen rows in order, as ranges: of fifty thousand, row by row would take seconds."""
    ranges = view.selectionModel().selection().toList()
    return sorted({(chosen.top(), chosen.bottom()) for chosen in ranges})


def neighbour(ranges: Sequence[tuple[int, int]], rows: int) -> int | None:
    """The row to choose once the chosen ones are gone: the next, else the one before, else none."""
    if not ranges:
        return None
    after = ranges[-1][1] + 1
    if after < rows:
        return after
    before = rows - 1
    for first, last in reversed(ranges):
        if last < before:
            break
        before = first - 1
    return before if before >= 0 else None


def choose_row(view: QAbstractItemView, row: int | None, column: int = 0) -> None:
    """Choose this row alone, and bring it into view; None chooses none."""
    selection = view.selectionModel()
    if row is None:
        selection.clear()
        return
    flags = QItemSelectionModel.SelectionFlag
    index = view.model().index(row, column)
    selection.setCurrentIndex(index, flags.ClearAndSelect | flags.Rows)
    view.scrollTo(index)


def choose_rows(view: QAbstractItemView, rows: Sequence[int], column: int = 0) -> None:
    """Choose these rows, and bring the first one into view."""
    choose_row(view, rows[0] if rows else None, column)
    model, more = view.model(), QItemSelection()
    for row in rows[1:]:
        more.select(model.index(row, column), model.index(row, column))
    flags = QItemSelectionModel.SelectionFlag
    view.selectionModel().select(more, flags.Select | flags.Rows)


def choose_neighbour(view: QAbstractItemView, column: int = 0) -> None:
    """Choose what comes after the chosen rows, which are about to go."""
    choose_row(view, neighbour(chosen_ranges(view), view.model().rowCount()), column)
