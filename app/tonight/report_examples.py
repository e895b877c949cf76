"""Questions of the exam with their answers: some that were right, and some that were not."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.style import Size, Space, sized
from app.text import amounts
from app.text.directions import isolated
from app.widgets.labels import button, label, paragraph, tip
from mlx_backend.protocol.report import ExamItem

_FEW = 3
_LONGEST = 160


class Examples(QWidget):
    """A few questions that were answered right, and a few that were not; all on request."""

    def __init__(self) -> None:
        super().__init__()
        self._items: tuple[ExamItem, ...] = ()
        self.views: list[ExampleView] = []
        self._parts: list[QWidget] = []
        self.all = button("Show All Questions", "link")
        self.all.setProperty("flush", True)
        self.all.clicked.connect(lambda: self._lay_down(len(self._items)))
        self._column = QVBoxLayout()
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(Space.TWO)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, Space.ONE, 0, 0)
        layout.setSpacing(Space.ONE)
        layout.addLayout(self._column)
        layout.addWidget(self.all, alignment=Qt.AlignmentFlag.AlignLeft)

    def show_items(self, items: Sequence[ExamItem]) -> None:
        """Show a few of these questions."""
        self._items = tuple(items)
        self.all.setText(f"Show All {amounts.number(len(items))} Questions")
        self._lay_down(_FEW)
        self.setVisible(bool(items))

    def _lay_down(self, most: int) -> None:
        """Show at most `most` of those answered right, and of those that were not."""
        for part in self._parts:
            self._column.removeWidget(part)
            part.deleteLater()
        # What was learned tonight tells more than what was known before.
        right = sorted((i for i in self._items if i.right_after), key=lambda i: i.right_before)
        wrong = [item for item in self._items if not item.right_after]
        self._parts, self.views = [], []
        for heading, items in (("Answered right", right), ("Not answered right", wrong)):
            if items:
                self._parts.append(label(heading, "section"))
                views = [ExampleView(item) for item in items[:most]]
                self.views += views
                self._parts += views
        for part in self._parts:
            self._column.addWidget(part)
        self.all.setVisible(len(self.views) < len(self._items))


class ExampleView(QWidget):
    """A question, its answers now and before, and the right one where that was missed."""

    def __init__(self, item: ExamItem) -> None:
        super().__init__()
        self.question = paragraph(item.question, "strong")
        self.now = _answer(item.after)
        self.before = _answer(item.before, "quiet")
        self.right = paragraph(" or ".join(map(isolated, item.answers)))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(Space.HALF // 2)
        layout.addWidget(self.question)
        rows = [("Now", self.now), ("Before", self.before)]
        if not item.right_after and item.answers:
            rows.insert(1, ("Right is", self.right))
        for name, text in rows:
            layout.addLayout(_row(name, text))


def _row(name: str, text: QLabel) -> QHBoxLayout:
    # Not a grid: it makes rows with wrapped text too low.
    caption = paragraph(name, "quiet")
    sized(caption, lambda it: it.setFixedWidth(Size.NARROW_COLUMN))
    row = QHBoxLayout()
    row.setSpacing(Space.ONE)
    row.addWidget(caption, alignment=Qt.AlignmentFlag.AlignTop)
    row.addWidget(text, 1)
    return row


def _answer(text: str, kind: str = "body") -> QLabel:
    """An answer, shortened; its tooltip shows all of it."""
    said = _said(text)
    made = paragraph(said, kind)
    if said.endswith("…"):
        made.setToolTip(tip(text.strip()))
    return made


def _said(text: str) -> str:
    """An answer, shortened to a line or two."""
    said = " ".join(text.split())
    if not said:
        return "It said nothing."
    return said if len(said) <= _LONGEST else f"{said[: _LONGEST - 1].rstrip()}…"
