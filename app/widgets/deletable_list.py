"""Deleting from a list: by key while it has the focus, by menu; and what is chosen afterwards."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QItemSelection, QItemSelectionModel, QObject, Qt, Signal
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QAbstractItemView, QMenu, QWidget

_KEYS = (Qt.Key.Key_Delete, Qt.Key.Key_Backspace)
_Modifier = Qt.KeyboardModifier


class DeleteKeys(QObject):
    """Hears Delete and Backspace (with Command too, as on a Mac) in a widget that has the focus.

    However long a key is held, it is heard once: what repeats is one press, and so is a press
    without a release before it, which is how some remote screens repeat.
    """

    pressed = Signal()

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self._widget = widget
        self._is_held = False
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        match event.type():
            case QEvent.Type.KeyPress if isinstance(event, QKeyEvent) and self._is_meant(event):
                is_new = not (event.isAutoRepeat() or self._is_held)
                self._is_held = True
                if is_new:
                    self.pressed.emit()
                return True
            case QEvent.Type.KeyRelease if isinstance(event, QKeyEvent):
                if event.key() in _KEYS and not event.isAutoRepeat():
                    self._is_held = False
            case QEvent.Type.FocusIn | QEvent.Type.FocusOut:
                self._is_held = False
        return super().eventFilter(watched, event)

    def _is_meant(self, event: QKeyEvent) -> bool:
        if event.key() not in _KEYS or not self._widget.hasFocus():
            return False
        modifiers = event.modifiers() & ~_Modifier.KeypadModifier
        if event.key() == Qt.Key.Key_Backspace and modifiers == _Modifier.ControlModifier:
            return True
        return modifiers == _Modifier.NoModifier


def add_delete(menu: QMenu, text: str = "Delete") -> QAction:
    """An entry that shows its key. The list hears the key itself, the menu only tells of it."""
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
