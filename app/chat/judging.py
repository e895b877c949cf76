"""Below an answer: thumbs up and down, and what the person would have said instead."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QSize, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from app.style import Size, Space, sized
from app.widgets import icons
from app.widgets.labels import button, paragraph
from app.widgets.text_fields import PassingTextField
from mlx_backend.library.judgements import Judgement

_LINES = 4
_TOLD = (
    "Kept with this answer as an example of what you want. Training does not use it yet;"
    " Settings lists all of them."
)


class Thumbs(QWidget):
    """Two buttons, of which at most one is pressed, and one to word a better answer."""

    judged = Signal(object)
    """The Judgement that the person makes now."""

    wording_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._judgement = Judgement()
        self.up = _thumb("thumb-up", "Good answer")
        self.up.setToolTip("Good answer")
        self.down = _thumb("thumb-down", "Bad answer")
        self.down.setToolTip("Bad answer")
        self.reword = button("I Would Have Said…", "footnote")
        self.reword.setToolTip(_TOLD)
        self.reword.setAccessibleDescription(_TOLD)
        self.up.clicked.connect(lambda: self._press(1))
        self.down.clicked.connect(lambda: self._press(-1))
        self.reword.clicked.connect(self.wording_wanted)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.up)
        layout.addWidget(self.down)
        layout.addSpacing(Space.ONE)
        layout.addWidget(self.reword)

    def show_judgement(self, judgement: Judgement) -> None:
        """Show what the person thinks."""
        self._judgement = judgement
        self.up.setChecked(judgement.verdict > 0)
        self.down.setChecked(judgement.verdict < 0)

    def _press(self, verdict: int) -> None:
        now = 0 if verdict == self._judgement.verdict else verdict
        self.show_judgement(self._judgement)  # until it is stored
        self.judged.emit(replace(self._judgement, verdict=now))


class BetterAnswer(QWidget):
    """What the person would have said: the words themselves, or the field for them."""

    worded = Signal(str)
    """"" takes it away."""

    def __init__(self) -> None:
        super().__init__()
        self._wanted = ""
        self.words: QLabel | None = None
        self.editor: WordingEditor | None = None
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self.hide()

    def show_wanted(self, wanted: str) -> None:
        """Show what was kept."""
        self._wanted = wanted
        if wanted and self.words is None:  # most answers have none
            self.words = paragraph(kind="quiet")
            self._column.insertWidget(0, self.words)
        is_open = self.editor is not None and self.editor.isVisibleTo(self)
        if self.words is not None:
            self.words.setText(f"You would have said: {wanted}" if wanted else "")
            self.words.setVisible(bool(wanted) and not is_open)
        self.setVisible(bool(wanted) or is_open)

    def begin(self, otherwise: str) -> None:
        """Open the field, with what was kept, else with the answer itself."""
        if self.editor is None:
            self.editor = WordingEditor()
            self.editor.kept.connect(self._keep)
            self.editor.field.cancelled.connect(self._close)
            self.editor.cancel.clicked.connect(self._close)
            self._column.addWidget(self.editor)
        self.editor.show()
        if self.words is not None:
            self.words.hide()
        self.show()
        self.editor.begin(self._wanted or otherwise)

    def _keep(self, text: str) -> None:
        self._close()
        self.worded.emit(text)

    def _close(self) -> None:
        if self.editor is not None:
            self.editor.hide()
        self.show_wanted(self._wanted)


class WordingEditor(QWidget):
    """The field for a better answer, and Keep or Cancel."""

    kept = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.field = PassingTextField()
        self.field.setProperty("kind", "field")
        self.field.setAccessibleName("What you would have said")
        self.field.setPlaceholderText("What you would have said")
        self.field.setTabChangesFocus(True)
        sized(self.field, lambda it: it.setFixedHeight(_LINES * Size.BAR_ROW))
        self.keep = button("Keep")
        self.cancel = button("Cancel", "link")
        self.keep.clicked.connect(lambda: self.kept.emit(self.field.toPlainText().strip()))
        row = QHBoxLayout()
        row.setSpacing(Space.ONE)
        row.addWidget(paragraph(_TOLD, "small"), 1)
        row.addWidget(self.cancel)
        row.addWidget(self.keep)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(Space.HALF)
        layout.addWidget(self.field)
        layout.addLayout(row)

    def begin(self, text: str) -> None:
        """Let the person change this text."""
        self.field.setPlainText(text)
        self.field.setFocus()
        self.field.selectAll()


def _thumb(name: str, what: str) -> QToolButton:
    made = QToolButton()
    made.setCheckable(True)
    made.setIcon(icons.icon(name, on_tint=True))
    sized(made, lambda it: it.setIconSize(QSize(Size.ICON, Size.ICON)))
    made.setProperty("kind", "thumb")
    made.setAccessibleName(what)
    return made
