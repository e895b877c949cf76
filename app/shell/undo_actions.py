"""Undo and Redo in the menu: of what is typed where the focus is, else of what the window did."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QEvent, QObject
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QMenu,
    QPlainTextEdit,
    QTextEdit,
    QWidget,
)

from app.library.undo_history import UndoHistory

_Key = QKeySequence.StandardKey
_LONGEST_NAME = 48


@dataclass(frozen=True)
class _Typing:
    """A text field with the focus."""

    field: QLineEdit | QTextEdit | QPlainTextEdit

    def can(self, key: QKeySequence.StandardKey) -> bool:
        """Whether the field has something of its own to undo, or to redo."""
        if self.field.isReadOnly():
            return False
        source = self.field if isinstance(self.field, QLineEdit) else self.field.document()
        return source.isUndoAvailable() if key == _Key.Undo else source.isRedoAvailable()

    def act(self, key: QKeySequence.StandardKey) -> None:
        """Undo, or redo, typing."""
        (self.field.undo if key == _Key.Undo else self.field.redo)()


class UndoActions(QObject):
    """Keeps the two entries of a menu up to date, with the system's shortcuts for them.

    A text field takes these shortcuts even when it has nothing to undo; then this takes them back.
    """

    def __init__(self, menu: QMenu, history: UndoHistory) -> None:
        super().__init__(menu)
        self._history = history
        self._focused: QWidget | None = None
        self.undo, self.redo = QAction(self), QAction(self)
        self.undo.triggered.connect(lambda _: self._act(_Key.Undo))
        self.redo.triggered.connect(lambda _: self._act(_Key.Redo))
        self.undo.setShortcuts(_Key.Undo)
        self.redo.setShortcuts(_Key.Redo)
        first = menu.actions()[0] if menu.actions() else None
        for action in (self.undo, self.redo):
            menu.insertAction(first, action) if first else menu.addAction(action)
        if first is not None:
            menu.insertSeparator(first)
        menu.aboutToShow.connect(self._show_for_menu)
        menu.aboutToHide.connect(self._enable)
        history.changed.connect(self._show)
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        app.focusChanged.connect(self._follow)
        self._show()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            typing = _typing(self._focused)
            for key in (_Key.Undo, _Key.Redo):
                if event.matches(key) and not (typing and typing.can(key)):
                    event.ignore()
                    return True
        return super().eventFilter(watched, event)

    def _follow(self, old: QWidget | None, new: QWidget | None) -> None:
        if old is not None:
            old.removeEventFilter(self)
        self._focused = new
        if _typing(new) is not None and new is not None:
            new.installEventFilter(self)

    def _act(self, key: QKeySequence.StandardKey) -> None:
        typing = _typing(QApplication.focusWidget())
        if typing is not None and typing.can(key):
            typing.act(key)
        else:
            (self._history.undo if key == _Key.Undo else self._history.redo)()

    def _show(self) -> None:
        for action, verb, name in self._entries():
            action.setText(f"{verb} {_shown(name)}" if name else verb)

    def _show_for_menu(self) -> None:
        self._show()
        typing = _typing(QApplication.focusWidget())
        for key, (action, verb, name) in zip((_Key.Undo, _Key.Redo), self._entries(), strict=True):
            types = typing is not None and typing.can(key)
            if types:
                action.setText(f"{verb} Typing")
            action.setEnabled(types or name is not None)

    def _enable(self) -> None:
        # A disabled entry would not hear its shortcut once there is something to undo.
        for action in (self.undo, self.redo):
            action.setEnabled(True)

    def _entries(self) -> tuple[tuple[QAction, str, str | None], ...]:
        return (
            (self.undo, "Undo", self._history.undo_name),
            (self.redo, "Redo", self._history.redo_name),
        )


def _typing(widget: QWidget | None) -> _Typing | None:
    field: QWidget | None = widget
    if isinstance(widget, QAbstractSpinBox | QComboBox):
        field = widget.lineEdit()
    return _Typing(field) if isinstance(field, QLineEdit | QTextEdit | QPlainTextEdit) else None


def _shown(name: str) -> str:
    if len(name) > _LONGEST_NAME:
        name = f"{name[: _LONGEST_NAME - 2].rstrip()}…{name[-1] if name[-1] == '”' else ''}"
    return name.replace("&", "&&")
