"""Renaming in a list: a field over the row, which refuses a name with a sentence below it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPersistentModelIndex, QRect, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QAbstractItemView

from app.style import Size, Space
from app.widgets.labels import label
from app.widgets.text_fields import LineField

Index = QModelIndex | QPersistentModelIndex

# The focus comes back by itself from a menu, and from another window.
_FOR_A_MOMENT = (
    Qt.FocusReason.PopupFocusReason,
    Qt.FocusReason.ActiveWindowFocusReason,
    Qt.FocusReason.MenuBarFocusReason,
)


class InlineRename(QObject):
    """Opens with F2 on the current row. Return takes the name, Escape leaves the old one.

    `refuses` says why a name will not do, "" where it will. A name that will not do stays in the
    field until it is mended; the old one holds when the focus goes elsewhere meanwhile.
    """

    renamed = Signal(object, str)
    """The key that the row was opened with, and its new name."""

    closed = Signal()

    def __init__(
        self,
        view: QAbstractItemView,
        key_of: Callable[[Index], object | None],
        refuses: Callable[[object, str], str],
    ) -> None:
        super().__init__(view)
        self._view = view
        self._key_of = key_of
        self._refuses = refuses
        self._key: object | None = None
        self._old = ""
        self.field = LineField()
        self.field.setParent(view.viewport())
        self.field.setAccessibleName("New name")
        self.field.hide()
        self.problem = label(kind="refusal")
        self.problem.setParent(view.viewport())
        self.problem.setWordWrap(True)
        self.problem.hide()
        self.field.textEdited.connect(lambda _: self._show_problem())
        self.field.installEventFilter(self)
        view.installEventFilter(self)
        view.verticalScrollBar().valueChanged.connect(lambda _: self.close())

    @property
    def is_open(self) -> bool:
        """Whether a name is being typed."""
        return self._key is not None

    def open(self, index: Index) -> None:
        """Let the person type another name for this row."""
        key = self._key_of(index) if index.isValid() else None
        if key is None:
            return
        self._view.scrollTo(index)
        self._key, self._old = key, str(index.data() or "")
        self.field.setText(self._old)
        self._place(self._view.visualRect(index))
        self.problem.hide()
        self.field.show()
        self.field.selectAll()
        self.field.setFocus()

    def close(self) -> None:
        """Leave the name as it was."""
        if self._key is None:
            return
        self._key = None
        had_focus = self.field.hasFocus()
        self.field.hide()
        self.problem.hide()
        if had_focus:
            self._view.setFocus()
        self.closed.emit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.field:
            return self._hear_field(event) or super().eventFilter(watched, event)
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            if self.is_open:
                return True  # what the field has no use for would choose another row
            is_wanted = event.key() == Qt.Key.Key_F2 and not event.isAutoRepeat()
            if is_wanted and self._view.selectionModel().isSelected(self._view.currentIndex()):
                self.open(self._view.currentIndex())
                return True
        return super().eventFilter(watched, event)

    def _hear_field(self, event: QEvent) -> bool:
        if isinstance(event, QFocusEvent) and event.lostFocus():
            if self.is_open and event.reason() not in _FOR_A_MOMENT:
                self._take(insists=False)
            return False
        if not isinstance(event, QKeyEvent) or event.type() != QEvent.Type.KeyPress:
            return False
        if self.field.keeps(event):
            return False
        if event.key() == Qt.Key.Key_Escape:
            self.close()
            return True
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if not event.isAutoRepeat():
                self._take(insists=True)
            return True
        return False

    def _take(self, insists: bool) -> None:
        key, name = self._key, self._typed()
        if name != self._old and self._refuses(key, name):
            if insists:
                self._show_problem()
                return
            name = self._old
        self.close()
        if name != self._old:
            self.renamed.emit(key, name)

    def _typed(self) -> str:
        return self.field.text().strip()

    def _show_problem(self) -> None:
        name = self._typed()
        sentence = self._refuses(self._key, name) if name != self._old else ""
        self.problem.setText(sentence)
        self.problem.setVisible(bool(sentence))
        if sentence:
            width = self.field.width()
            self.problem.setFixedWidth(width)
            self.problem.setFixedHeight(self.problem.heightForWidth(width))
            below = self.field.geometry().bottom() + Space.HALF
            room = self._view.viewport().height()
            above = self.field.y() - Space.HALF - self.problem.height()
            fits = below + self.problem.height() <= room or above < 0
            self.problem.move(self.field.x(), below if fits else above)
            self.problem.raise_()

    def _place(self, row: QRect) -> None:
        area = row.intersected(self._view.viewport().rect())
        height = max(Size.CONTROL, row.height() - Space.ONE)  # nothing of the row peeks out
        top = area.top() + max(0, (area.height() - height) // 2)
        self.field.setGeometry(area.left() + Space.ONE, top, area.width() - Space.TWO, height)
        self.field.raise_()
