"""How many questions were answered right, now and before: two bars with their numbers."""

from __future__ import annotations

from PySide6.QtWidgets import QGridLayout, QProgressBar, QWidget

from app.style import Size, Space, sized
from app.text import amounts
from app.widgets.labels import label


class ScoreBars(QWidget):
    """The bars of now and before, one above the other."""

    def __init__(self, what: str) -> None:
        super().__init__()
        self._what = what
        self.now = QProgressBar()
        self.before = QProgressBar()
        self.now_text = label(kind="strong")
        self.before_text = label(kind="quiet")
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(Space.TWO)
        grid.setVerticalSpacing(Space.HALF)
        rows = (
            ("Now", self.now, self.now_text, "score"),
            ("Before", self.before, self.before_text, "score before"),
        )
        for row, (name, bar, number, kind) in enumerate(rows):
            bar.setProperty("kind", kind)
            bar.setTextVisible(False)
            sized(bar, lambda it: it.setMaximumWidth(Size.SCORE))
            grid.addWidget(label(name, "strong" if row == 0 else "quiet"), row, 0)
            grid.addWidget(bar, row, 1)
            grid.addWidget(number, row, 2)
        grid.setColumnStretch(1, 10)
        grid.setColumnStretch(3, 1)

    def show_score(self, now: int, before: int, asked: int) -> None:
        """Show how many of `asked` were right."""
        pairs = ((self.now, self.now_text, now), (self.before, self.before_text, before))
        for bar, text, number in pairs:
            bar.setRange(0, max(1, asked))
            bar.setValue(min(max(0, number), asked))
            text.setText(f"{amounts.number(number)} of {amounts.number(asked)}")
        self.now.setAccessibleName(f"{self._what} answered now: {self.now_text.text()}")
        self.before.setAccessibleName(f"{self._what} answered before: {self.before_text.text()}")
