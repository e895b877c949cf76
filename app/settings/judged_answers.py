"""The answers that the person judged: seen, and taken away, in one list."""

from __future__ import annotations

import functools
import sqlite3
from collections.abc import Callable, Sequence

from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.library.background import Background
from app.library.undo_history import Step, UndoHistory
from app.style import Space
from app.text import amounts
from app.text.hidden_characters import revealed
from app.widgets.elided import Elided
from app.widgets.labels import button, hairline, label, paragraph
from mlx_backend.library.judgements import JudgedAnswer, Judgement, Judgements

_TOLD = (
    "Thumbs up and down, and what you would have said. They are kept with their conversation, its"
    " adapter and seed. Training does not use them yet."
)
_AT_ONCE = 20
_BEGINNING = 300  # characters
_VERDICTS = {1: "Good answer", -1: "Bad answer", 0: "Worded anew"}


class JudgedAnswers(QWidget):
    """A row for each, the latest first; more on request."""

    def __init__(self, background: Background, history: UndoHistory) -> None:
        super().__init__()
        self._background = background
        self._history = history
        self._shown = _AT_ONCE
        self._answers: Sequence[JudgedAnswer] = ()
        self.rows: list[JudgedRow] = []
        self.count = label(kind="quiet")
        self.more = button("Show More", "link")
        self.more.clicked.connect(self._show_more)
        self._list = QVBoxLayout()
        self._list.setSpacing(Space.ONE)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(Space.ONE)
        layout.addWidget(paragraph(_TOLD, "quiet"))
        layout.addWidget(self.count)
        layout.addLayout(self._list)
        layout.addWidget(self.more)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()

    def refresh(self) -> None:
        """Read the list again."""
        self._background.call(lambda db: Judgements(db).all(), self._show)

    def _show(self, answers: Sequence[JudgedAnswer]) -> None:
        if answers == self._answers and self.rows:
            return
        self._answers = answers
        for row in self.rows:
            self._list.removeWidget(row)
            row.deleteLater()
        self.rows = []
        for answer in answers[: self._shown]:
            row = JudgedRow(answer)
            row.remove.clicked.connect(functools.partial(self._remove, answer))
            self.rows.append(row)
            self._list.addWidget(row)
        many = amounts.count(len(answers), "answer")
        self.count.setText(f"You judged {many}." if answers else "You judged no answer yet.")
        self.more.setVisible(len(answers) > self._shown)

    def _show_more(self) -> None:
        self._shown += _AT_ONCE
        self.rows, old = [], self.rows
        for row in old:
            self._list.removeWidget(row)
            row.deleteLater()
        self._show(self._answers)

    def _remove(self, answer: JudgedAnswer) -> None:
        self._history.do(removing(answer, self.refresh))


class JudgedRow(QWidget):
    """What was asked and answered, what the person thinks of it, and Remove."""

    def __init__(self, answer: JudgedAnswer) -> None:
        super().__init__()
        self.remove = button("Remove", "link")
        self.remove.setAccessibleName(f"Remove the judgement of: {_short(answer.answer)}")
        top = QHBoxLayout()
        top.setSpacing(Space.ONE)
        top.addWidget(label(_VERDICTS[answer.judgement.verdict], "strong"))
        top.addWidget(label(_made_by(answer), "small"), 1)
        top.addWidget(self.remove)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(Space.HALF)
        layout.addWidget(hairline())
        layout.addLayout(top)
        layout.addWidget(Elided(_short(answer.question)))
        layout.addWidget(paragraph(_short(answer.answer), "quiet"))
        if answer.judgement.wanted:
            wanted = _short(answer.judgement.wanted)
            layout.addWidget(paragraph(f"You would have said: {wanted}"))


def removing(answer: JudgedAnswer, ends: Callable[[], None]) -> Step:
    """The step that takes a judgement away."""

    def judge(judgement: Judgement, db: sqlite3.Connection) -> str:
        Judgements(db).judge(answer.turn, judgement)
        return ""

    return Step(
        "Remove a Judgement",
        "Removed what you thought of an answer.",
        functools.partial(judge, Judgement()),
        functools.partial(judge, answer.judgement),
        lambda _: ends(),
    )


def _made_by(answer: JudgedAnswer) -> str:
    who = answer.adapter or "Base model"
    seed = "" if answer.seed is None else f" · seed {answer.seed}"
    return f"{amounts.day(answer.at)} · {who}{seed}"


def _short(text: str) -> str:
    words = " ".join(text.split())
    return revealed(words if len(words) <= _BEGINNING else f"{words[:_BEGINNING]}…")
