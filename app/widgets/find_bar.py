"""A bar to find words in what is on show: how many there are, the next one, the one before."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QFrame, QHBoxLayout, QToolButton

from app.style import Size, Space, sized
from app.text import amounts
from app.widgets import icons
from app.widgets.labels import button, label
from app.widgets.search_field import search_field


class FindBar(QFrame):
    """What is typed is found at once; Return goes on, Shift-Return back, Escape closes."""

    changed = Signal(str)
    """Find this; "" finds nothing."""

    step_wanted = Signal(int)
    """Go on to the next (1), or back to the one before (-1)."""

    closed = Signal()

    def __init__(self, what: str) -> None:
        super().__init__()
        self.setProperty("kind", "find")
        self.field = search_field(what)
        self.count = label(kind="quiet")
        self.before = button("Previous")
        self.after = button("Next")
        self.done = QToolButton()
        self.done.setIcon(icons.icon("close"))
        sized(self.done, lambda it: it.setIconSize(QSize(Size.ICON, Size.ICON)))
        self.done.setAccessibleName("Close")
        row = QHBoxLayout(self)
        row.setContentsMargins(Space.TWO, Space.ONE, Space.TWO, Space.ONE)
        row.setSpacing(Space.ONE)
        row.addSpacing(Space.FOUR - Space.TWO)  # a margin is not mirrored in right-to-left windows
        row.addWidget(self.field, 1)
        row.addWidget(self.count)
        row.addStretch()
        for each in (self.before, self.after, self.done):
            row.addWidget(each)
        sized(self.count, lambda it: it.setMinimumWidth(Size.COLUMN))
        self.field.textChanged.connect(self.changed)
        self.after.clicked.connect(lambda: self.step_wanted.emit(1))
        self.before.clicked.connect(lambda: self.step_wanted.emit(-1))
        self.done.clicked.connect(self._leave)
        for key, step in ((QKeySequence.StandardKey.FindNext, 1), (_BACK, -1)):
            shortcut = QShortcut(QKeySequence(key), self)
            shortcut.activated.connect(lambda step=step: self.step_wanted.emit(step))
        self.show_count(0, 0)
        self.hide()

    def begin(self) -> None:
        """Show the bar, ready for what is to be found."""
        self.show()
        self.field.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.field.selectAll()
        self.changed.emit(self.field.text())

    def show_count(self, at: int, found: int) -> None:
        """Say which of how many is on show, counted from 1."""
        if not self.field.text():
            self.count.setText("")
        elif not found:
            self.count.setText("Not found")
        else:
            self.count.setText(f"{amounts.number(at)} of {amounts.number(found)}")
        for each in (self.before, self.after):
            each.setEnabled(found > 0)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self._leave()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            is_back = event.modifiers() & Qt.KeyboardModifier.ShiftModifier
            self.step_wanted.emit(-1 if is_back else 1)
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        # Escape closes the bar first, whatever else it does on the page.
        is_override = event.type() is QEvent.Type.ShortcutOverride
        if is_override and isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Escape:
            event.accept()
            return True
        return super().event(event)

    def _leave(self) -> None:
        self.hide()
        self.closed.emit()


_BACK = QKeySequence.StandardKey.FindPrevious
