"""Below the conversation: the field for the question, its buttons, and a notice."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from app.chat.attachment_chips import AttachmentChips
from app.chat.note_picker import NotePicker
from app.chat.question_field import QuestionField
from app.chat.transcript import centre
from app.library.background import Background
from app.style import Size, Space, sized
from app.widgets import icons
from app.widgets.labels import button, label, paragraph

_THINKS = (
    "The model thinks aloud before it answers: better for hard questions, and slower. Its thoughts"
    " are folded away above the answer, and are not stored."
)


class QuestionBar(QWidget):
    """The field for the question with Send, or Stop while an answer is given."""

    def __init__(self, background: Background) -> None:
        super().__init__()
        self.attach = QToolButton()
        self.attach.setIcon(icons.icon("attach"))
        self.attach.setToolTip("Attach a file or a note to ask about")
        self.attach.setAccessibleName("Attach a file or a note")
        sized(self.attach, lambda it: it.setFixedSize(Size.INPUT, Size.INPUT))
        sized(self.attach, lambda it: it.setIconSize(QSize(Size.SIDEBAR_ICON, Size.SIDEBAR_ICON)))
        self.attached = AttachmentChips(removable=True)
        self.reading = label(kind="small")
        self.reading.hide()
        self.picker = NotePicker(background)
        self.notice = paragraph(kind="quiet")
        self.way_out = button("Restore It", "link")
        self.way_out.setProperty("flush", True)
        self.thinks = QCheckBox("Think first")
        self.thinks.setToolTip(_THINKS)
        self.thinks.setAccessibleDescription(_THINKS)
        self.thinks.hide()
        self.input = QuestionField()
        self.send = button("Send", "primary")
        self.stop = button("Stop")
        self.send.clicked.connect(self.input.send)
        self._lay_out()

    def show_state(self, busy: bool, may_send: bool, notice: str, way_out: str = "") -> None:
        """Offer Stop while busy; say something, or nothing where it is "".

        way_out: what the button below the notice does, "" for none.
        """
        self.send.setVisible(not busy)
        self.stop.setVisible(busy)
        self.send.setEnabled(self.input.has_text and may_send)
        self.notice.setText(notice)
        self.notice.setVisible(bool(notice))
        self.way_out.setVisible(bool(way_out))
        if way_out:
            self.way_out.setText(way_out)

    def show_reading(self, names: Sequence[str]) -> None:
        """Say which files are being read."""
        self.reading.setText(f"Reading {', '.join(names)}…" if names else "")
        self.reading.setVisible(bool(names))

    def _lay_out(self) -> None:
        column = QWidget()
        sized(column, lambda it: it.setMaximumWidth(Size.TRANSCRIPT))
        row = QHBoxLayout()
        row.setSpacing(Space.ONE)
        bottom = Qt.AlignmentFlag.AlignBottom
        for each in (self.send, self.stop):
            each.setProperty("tall", True)
            sized(each, lambda it: it.setFixedHeight(Size.INPUT))
        row.addWidget(self.attach, alignment=bottom)
        row.addWidget(self.input, 1, bottom)
        row.addWidget(self.send, alignment=bottom)
        row.addWidget(self.stop, alignment=bottom)
        inner = QVBoxLayout(column)
        inner.setContentsMargins(Space.FOUR, Space.ONE, Space.FOUR, Space.THREE)
        inner.setSpacing(Space.ONE)
        inner.addWidget(self.notice)
        inner.addWidget(self.way_out, alignment=Qt.AlignmentFlag.AlignLeft)
        inner.addWidget(self.picker)
        inner.addWidget(self.reading)
        inner.addWidget(self.attached)
        inner.addWidget(self.input.pasted)
        inner.addLayout(row)
        inner.addWidget(self.thinks, alignment=Qt.AlignmentFlag.AlignLeft)
        centre(column, QHBoxLayout(self))
