"""Text fields that respect input methods: a key that ends a composition does nothing else.

People who write Japanese, Chinese or Korean compose a word first, and Return commits it. That
Return must not send, search or start anything, and Escape then only drops the word.
"""

from __future__ import annotations

import functools

from PySide6.QtCore import QEvent, QMimeData, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication, QInputMethodEvent, QKeyEvent
from PySide6.QtWidgets import QLineEdit, QPlainTextEdit, QToolTip, QWidget

from app.text import amounts

_LONGEST_LINE = 32_767
_LONGEST_TEXT = 50_000
_OF_THE_COMPOSITION = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Escape)


class Composition:
    """Whether something is being composed in a field."""

    def __init__(self) -> None:
        self.is_open = False

    def follow(self, event: QInputMethodEvent) -> None:
        """Take what the input method does into account."""
        self.is_open = bool(event.preeditString())

    def takes(self, event: QEvent) -> bool:
        """Whether a key belongs to the composition alone."""
        return self.is_open and isinstance(event, QKeyEvent) and event.key() in _OF_THE_COMPOSITION

    def finish(self) -> bool:
        """Ask the input method to commit; returns whether nothing is being composed any more."""
        if self.is_open:
            QGuiApplication.inputMethod().commit()
        return not self.is_open


class LineField(QLineEdit):
    """One line of text. A paste that is too long is refused, and the field says so."""

    def __init__(self, text: str = "") -> None:
        super().__init__(text)
        self._composition = Composition()
        self.setMaxLength(_LONGEST_LINE)
        self._latest = text
        self.textChanged.connect(self._follow)
        self.inputRejected.connect(self._refuse)

    def keeps(self, event: QEvent) -> bool:
        """Whether a key belongs to a composition, and does nothing else; for event filters."""
        return self._composition.takes(event)

    def event(self, event: QEvent) -> bool:
        # Asked before any shortcut of the window gets the key.
        if event.type() == QEvent.Type.ShortcutOverride and self._composition.takes(event):
            event.accept()
            return True
        return super().event(event)

    def inputMethodEvent(self, event: QInputMethodEvent) -> None:
        self._composition.follow(event)
        super().inputMethodEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self._composition.takes(event):
            event.accept()
        else:
            super().keyPressEvent(event)

    def _follow(self, text: str) -> None:
        self._latest = text

    def _refuse(self) -> None:
        # Qt inserts as much as there is room for after this signal.
        QTimer.singleShot(0, self, functools.partial(self._take_back, self._latest))

    def _take_back(self, before: str) -> None:
        if self.text() != before:
            self.undo()
        if self.text() != before:
            self.setText(before)
        _say_too_long(self, _LONGEST_LINE)


class ComposedText(QPlainTextEdit):
    """Several lines of plain text, in which a key that ends a composition does nothing else."""

    def __init__(self) -> None:
        super().__init__()
        self._composition = Composition()

    def event(self, event: QEvent) -> bool:
        # Asked before any shortcut of the window gets the key.
        if event.type() == QEvent.Type.ShortcutOverride and self._composition.takes(event):
            event.accept()
            return True
        return super().event(event)

    def inputMethodEvent(self, event: QInputMethodEvent) -> None:
        self._composition.follow(event)
        super().inputMethodEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self._composition.takes(event):
            event.accept()
        else:
            super().keyPressEvent(event)


class TextField(ComposedText):
    """Several lines of text. A paste that is too long is refused, and the field says so."""

    def insertFromMimeData(self, source: QMimeData) -> None:
        if self.document().characterCount() + len(source.text()) > _LONGEST_TEXT:
            _say_too_long(self, _LONGEST_TEXT)  # it would stall the window, and never be learned
        else:
            self.insertPlainText(source.text())


class PassingTextField(TextField):
    """A field that is there for a moment: Escape closes it, whatever else that key does around."""

    cancelled = Signal()

    def event(self, event: QEvent) -> bool:
        is_override = event.type() == QEvent.Type.ShortcutOverride
        if is_override and isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Escape:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and not self._composition.takes(event):
            self.cancelled.emit()
        else:
            super().keyPressEvent(event)


def _say_too_long(field: QWidget, longest: int) -> None:
    most = amounts.count(longest, "character")
    told = f"That is too long for this field, which takes {most}."
    QToolTip.showText(field.mapToGlobal(field.rect().bottomLeft()), told, field)
    field.setAccessibleDescription(told)
