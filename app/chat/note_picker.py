"""Chooses a note to attach: a field to search with, and the notes that have the words."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QListWidget, QListWidgetItem, QVBoxLayout

from app.library.background import Background
from app.style import Size, Space, sized
from app.text.hidden_characters import revealed
from app.widgets.labels import label
from app.widgets.row_delegate import RowDelegate
from app.widgets.search_field import search_field
from app.widgets.strip import close_button
from mlx_backend.library.notes import Notes, NoteSummary

_MOST = 50
_ROWS = 5
_PAUSE_MS = 120


class NotePicker(QFrame):
    """A list above the question's field; Return takes the chosen note, Escape none."""

    chosen = Signal(object)
    """The NoteSummary."""

    closed = Signal()

    def __init__(self, background: Background) -> None:
        super().__init__()
        self._background = background
        self._searches = 0
        self._notes: Sequence[NoteSummary] = ()
        self.setProperty("kind", "picker")
        self.field = search_field("Find a note to attach")
        sized(self.field, lambda it: it.setMaximumWidth(Size.WIDE))
        self.list = QListWidget()
        self.list.setAccessibleName("Notes to attach")
        self.list.setProperty("kind", "rows")
        self.list.setItemDelegate(RowDelegate(self.list))
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        sized(self.list, lambda it: it.setFixedHeight(_ROWS * Size.ROW))
        self.nothing = label("No note has these words.", "quiet")
        close = close_button()
        close.clicked.connect(self.end)
        self._pause = QTimer(self, singleShot=True, interval=_PAUSE_MS)
        self._pause.timeout.connect(self._search)
        self.field.textChanged.connect(lambda _: self._pause.start())
        self.list.itemActivated.connect(lambda _: self._choose())
        self.list.itemClicked.connect(lambda _: self._choose())
        self.field.installEventFilter(self)
        self.list.installEventFilter(self)
        top = QHBoxLayout()
        top.addWidget(self.field, 1)
        top.addWidget(close)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(Space.ONE, Space.ONE, Space.ONE, Space.ONE)
        layout.setSpacing(Space.HALF)
        layout.addLayout(top)
        layout.addWidget(self.list)
        layout.addWidget(self.nothing)
        self.hide()

    def begin(self) -> None:
        """Open it."""
        self.field.clear()
        self.show()
        self.field.setFocus()
        self._search()

    def end(self) -> None:
        """Close it."""
        if self.isVisible():
            self.hide()
            self.closed.emit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            match event.key():
                case Qt.Key.Key_Escape:
                    self.end()
                    return True
                case Qt.Key.Key_Return | Qt.Key.Key_Enter:
                    self._choose()
                    return True
                case Qt.Key.Key_Down | Qt.Key.Key_Up if watched is self.field:
                    self._step(1 if event.key() == Qt.Key.Key_Down else -1)
                    return True
        return super().eventFilter(watched, event)

    def _step(self, step: int) -> None:
        self.list.setCurrentRow(max(0, min(self.list.count() - 1, self.list.currentRow() + step)))

    def _search(self) -> None:
        self._searches += 1
        words = self.field.text()
        take = functools.partial(self._take, self._searches)
        self._background.call(lambda db: Notes(db).page(words, _MOST), take)

    def _take(self, search: int, notes: Sequence[NoteSummary]) -> None:
        if search != self._searches:
            return
        self._notes = notes
        self.list.clear()
        for note in notes:
            item = QListWidgetItem(revealed(" ".join(note.title.split())))
            item.setSizeHint(QSize(1, Size.ROW))
            self.list.addItem(item)
        self.list.setCurrentRow(0)
        self.list.setVisible(bool(notes))
        self.nothing.setVisible(not notes)

    def _choose(self) -> None:
        row = self.list.currentRow()
        if 0 <= row < len(self._notes):
            note = self._notes[row]
            self.end()
            self.chosen.emit(note)
