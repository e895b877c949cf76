"""What the model answers to one question while it learns."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from app.style import Size, Space, sized
from app.text import amounts
from app.widgets.labels import label, paragraph
from mlx_backend.protocol import Spoke

_NO_LIMIT = (1 << 24) - 1  # Qt's own


class SpokenList(QWidget):
    """The question, and the answers on the way, the newest first."""

    def __init__(self) -> None:
        super().__init__()
        self._shown: tuple[Spoke, ...] = ()
        self.prompt = paragraph(kind="strong")
        self.answers: list[_Answer] = []
        inside = QWidget()
        self._column = QVBoxLayout(inside)
        self._column.setContentsMargins(0, 0, Space.ONE, 0)
        self._column.setSpacing(Space.TWO)
        self._column.addStretch()
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setAccessibleName("What the model says while it learns")
        scroll.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        scroll.setWidget(inside)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(Space.ONE)
        layout.addWidget(self.prompt)
        layout.addWidget(scroll, 1)
        self._is_beside = True
        sized(self, SpokenList._fit)
        self.hide()

    def stand(self, beside: bool) -> None:
        """Stand beside the chart, or below it where there is no room for both."""
        self._is_beside = beside
        self._fit()

    def show_spoken(self, prompt: str, spoken: tuple[Spoke, ...]) -> None:
        """Show these answers (oldest first) to the prompt; nothing where nothing was asked."""
        self.setVisible(bool(prompt))
        self.prompt.setText(f"“{prompt}”")
        if spoken == self._shown:
            return
        self._shown = spoken
        while len(self.answers) > len(spoken):
            self.answers.pop().deleteLater()
        while len(self.answers) < len(spoken):
            answer = _Answer()
            self._column.insertWidget(len(self.answers), answer)
            self.answers.append(answer)
        for answer, event in zip(self.answers, reversed(spoken), strict=True):
            answer.show_event(event)

    def _fit(self) -> None:
        beside = self._is_beside
        self.setMinimumWidth(Size.SPOKEN if beside else 0)
        self.setMaximumWidth(Size.SPOKEN if beside else _NO_LIMIT)
        self.setMinimumHeight(Size.SPOKEN_LEAST)
        self.setMaximumHeight(_NO_LIMIT if beside else Size.SPOKEN_LEAST)


class _Answer(QWidget):
    def __init__(self) -> None:
        super().__init__()
        self.when = label(kind="small")
        self.text = paragraph()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.when)
        layout.addWidget(self.text)

    def show_event(self, event: Spoke) -> None:
        self.when.setText(f"At {amounts.time_of_day(event.at)}")
        self.text.setText(event.text.strip() or "It said nothing.")
