"""Cut, Copy, Paste and Select All in the menu: for whatever has the keyboard's focus."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import shiboken6
from PySide6.QtCore import (
    QAbstractItemModel,
    QItemSelection,
    QItemSelectionModel,
    QMetaObject,
    QMimeData,
    QObject,
    Qt,
)
from PySide6.QtGui import QAction, QGuiApplication, QKeySequence
from PySide6.QtWidgets import (
    QAbstractItemView,
    QAbstractSpinBox,
    QApplication,
    QLabel,
    QLineEdit,
    QMenu,
    QMenuBar,
    QPlainTextEdit,
    QTextEdit,
    QWidget,
)

_Key = QKeySequence.StandardKey
_Text = QLineEdit | QTextEdit | QPlainTextEdit


@dataclass(frozen=True)
class Abilities:
    """What can be done with the contents of a widget at this moment."""

    cut: bool = False
    copy: bool = False
    paste: bool = False
    select_all: bool = False


class EditActions(QObject):
    """The actions; each is enabled while it would do something.

    A text field that has the focus takes the keys for itself, as ever.
    """

    def __init__(self, menu: QMenu) -> None:
        super().__init__(menu)
        self._target: QWidget | None = None
        self._heard: list[QMetaObject.Connection] = []
        self._has_text = (
            False  # on the clipboard; asked for seldom, because another program may have to answer
        )
        self.cut = self._add(menu, "Cu&t", _Key.Cut, cut)
        self.copy = self._add(menu, "&Copy", _Key.Copy, copy)
        self.paste = self._add(menu, "&Paste", _Key.Paste, paste)
        self.select_all = self._add(menu, "Select &All", _Key.SelectAll, select_all)
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        app.focusChanged.connect(self._take_focus)
        QGuiApplication.clipboard().dataChanged.connect(self._look_at_clipboard)
        menu.aboutToShow.connect(self._look_at_clipboard)
        self._look_at_clipboard()
        self._take_focus(None, app.focusWidget())

    @property
    def target(self) -> QWidget | None:
        """What the actions would act on."""
        is_there = self._target is not None and shiboken6.isValid(self._target)
        return self._target if is_there else None

    def refresh(self) -> None:
        """Enable what can be done now."""
        can = abilities(self.target, self._has_text)
        self.cut.setEnabled(can.cut)
        self.copy.setEnabled(can.copy)
        self.paste.setEnabled(can.paste)
        self.select_all.setEnabled(can.select_all)

    def _look_at_clipboard(self) -> None:
        data = cast(QMimeData | None, QGuiApplication.clipboard().mimeData())
        self._has_text = data is not None and data.hasText()
        self.refresh()

    def _add(
        self, menu: QMenu, text: str, key: QKeySequence.StandardKey, act: Callable[[QWidget], None]
    ) -> QAction:
        action = menu.addAction(text)
        action.setShortcut(QKeySequence(key))
        action.triggered.connect(lambda _checked: act(self.target) if self.target else None)
        return action

    def _take_focus(self, _: QWidget | None, now: QWidget | None) -> None:
        if now is None or isinstance(now, QMenu | QMenuBar):
            return  # the menu acts on what had the focus before it
        for connection in self._heard:
            QObject.disconnect(connection)
        self._target = _inside(now)
        self._heard = self._listen(self._target)
        self.refresh()

    def _listen(self, widget: QWidget) -> list[QMetaObject.Connection]:
        if isinstance(widget, _Text):
            signals = (widget.selectionChanged, widget.textChanged)
            return [signal.connect(self.refresh) for signal in signals]
        if isinstance(widget, QAbstractItemView) and widget.selectionModel() is not None:
            changed = widget.selectionModel().selectionChanged
            return [changed.connect(self.refresh)]
        return []


def abilities(widget: QWidget | None, has_text: bool) -> Abilities:
    """What can be done with a widget now; `has_text`: whether there is text to paste."""
    match widget:
        case QLineEdit():
            chosen, can_write = widget.hasSelectedText(), not widget.isReadOnly()
            is_plain = widget.echoMode() is QLineEdit.EchoMode.Normal
            return Abilities(
                cut=chosen and can_write and is_plain,
                copy=chosen and is_plain,
                paste=can_write and has_text,
                select_all=bool(widget.text()),
            )
        case QTextEdit() | QPlainTextEdit():
            chosen, can_write = widget.textCursor().hasSelection(), not widget.isReadOnly()
            return Abilities(
                cut=chosen and can_write,
                copy=chosen,
                paste=can_write and has_text,
                select_all=not widget.document().isEmpty(),
            )
        case QLabel():
            can_select = bool(widget.textInteractionFlags() & _SELECTABLE) and bool(widget.text())
            return Abilities(copy=widget.hasSelectedText(), select_all=can_select)
        case QAbstractItemView():
            many = widget.selectionMode() is QAbstractItemView.SelectionMode.ExtendedSelection
            model = cast(QAbstractItemModel | None, widget.model())
            has_rows = model is not None and model.rowCount(widget.rootIndex()) > 0
            return Abilities(copy=bool(_selection(widget)), select_all=many and has_rows)
    return Abilities()


_SELECTABLE = Qt.TextInteractionFlag.TextSelectableByMouse
_MOST_ROWS = 10_000


def cut(widget: QWidget) -> None:
    """Move what is selected to the clipboard."""
    if isinstance(widget, _Text):
        widget.cut()


def copy(widget: QWidget) -> None:
    """Copy what is selected: of a list, the rows, a line each, with tabs between the columns."""
    if isinstance(widget, _Text):
        widget.copy()
    elif isinstance(widget, QLabel):
        QGuiApplication.clipboard().setText(widget.selectedText())
    elif isinstance(widget, QAbstractItemView):
        QGuiApplication.clipboard().setText(_rows(widget))


def paste(widget: QWidget) -> None:
    """Put in what is in the clipboard."""
    if isinstance(widget, _Text):
        widget.paste()


def select_all(widget: QWidget) -> None:
    """Select all that there is."""
    if isinstance(widget, _Text | QAbstractItemView):
        widget.selectAll()
    elif isinstance(widget, QLabel):
        widget.setSelection(0, len(widget.text()))


def _inside(widget: QWidget) -> QWidget:
    """The text of a field for numbers or times; else the widget itself."""
    inner = widget.findChild(QLineEdit) if isinstance(widget, QAbstractSpinBox) else None
    return inner if isinstance(inner, QLineEdit) else widget


def _selection(view: QAbstractItemView) -> QItemSelection:
    model = cast(QItemSelectionModel | None, view.selectionModel())
    return model.selection() if model is not None else QItemSelection()


def _rows(view: QAbstractItemView) -> str:
    """The selected rows as text; by ranges, because there may be fifty thousand of them."""
    model, lines = view.model(), []
    for chosen in sorted(_selection(view).toList(), key=lambda each: each.top()):
        for row in range(chosen.top(), min(chosen.bottom(), chosen.top() + _MOST_ROWS) + 1):
            cells = (
                model.index(row, column, chosen.parent()).data()
                for column in range(chosen.left(), chosen.right() + 1)
            )
            lines.append("\t".join(str(cell) for cell in cells if cell is not None))
    return "\n".join(filter(None, lines))  # a row that was never seen is not read yet
