"""The first page of a new library: what to do, and the sample notes one click away."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from app.style import Size, Space, inset, sized
from app.widgets.empty_state import BigIcon, centred
from app.widgets.labels import button, label, paragraph

_STEPS = (
    ("Now", "Drop a folder of notes into this window."),
    ("Tonight", "Press Start and go to bed. Training runs on this computer."),
    ("In the morning", "Chat with a model that knows your notes."),
)


class NotesWelcome(QWidget):
    """A drop target, two ways to begin, and what happens next."""

    folder_wanted = Signal()
    samples_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.choose = button("Choose Folder…", "primary")
        self.choose.clicked.connect(self.folder_wanted)
        self.samples = button("Try the Sample Notes")
        self.samples.clicked.connect(self.samples_wanted)
        layout = QVBoxLayout(self)
        inset(layout, Space.FOUR)
        layout.setSpacing(Space.FOUR)
        layout.addStretch(2)
        layout.addLayout(centred(self._target()))
        layout.addLayout(centred(self._steps()))
        layout.addStretch(3)

    def _target(self) -> QFrame:
        target = QFrame()
        target.setProperty("kind", "target")
        sized(target, lambda it: it.setMaximumWidth(Size.READING))
        centre = Qt.AlignmentFlag.AlignHCenter
        sentence = paragraph(
            "Folders of notes, documents, mails and chats. They are only read, never changed,"
            " and nothing leaves this computer.",
            "quiet",
        )
        sentence.setAlignment(centre)
        sized(sentence, lambda it: it.setFixedWidth(Size.DIALOG))
        buttons = QHBoxLayout()
        buttons.setSpacing(Space.ONE)
        buttons.addWidget(self.choose)
        buttons.addWidget(self.samples)
        layout = QVBoxLayout(target)
        inset(layout, Space.SIX)
        layout.setSpacing(Space.ONE)
        layout.addWidget(BigIcon("drop"), 0, centre)
        layout.addSpacing(Space.ONE)
        layout.addWidget(label("Drop your notes here", "title"), 0, centre)
        layout.addLayout(centred(sentence))
        layout.addSpacing(Space.TWO)
        layout.addLayout(buttons)
        layout.setAlignment(buttons, centre)
        return target

    def _steps(self) -> QWidget:
        steps = QWidget()
        sized(steps, lambda it: it.setMaximumWidth(Size.READING))
        row = QHBoxLayout(steps)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(Space.THREE)
        for when, what in _STEPS:
            column = QVBoxLayout()
            column.setSpacing(Space.HALF)
            column.addWidget(label(when, "strong"))
            column.addWidget(paragraph(what, "quiet"))
            column.addStretch()
            row.addLayout(column, 1)
        return steps
