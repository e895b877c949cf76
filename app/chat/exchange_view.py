"""One question and its answers, as the transcript shows them."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QVBoxLayout, QWidget

from app.chat.answer_view import AnswerView
from app.chat.exchanges import Exchange, ShownAnswer
from app.chat.question_view import QuestionView
from app.style import Size, Space, Style
from app.widgets.labels import button, label


class ExchangeView(QWidget):
    """The question in a bubble; the answers below, side by side where there is room."""

    retry_wanted = Signal()

    memory_wanted = Signal()
    """Ask once more, without the notes."""

    source_wanted = Signal(object)
    """Open the note of this Citation."""

    passage_wanted = Signal(object, object)
    """The text of this Citation is wanted by this chip."""

    go_on_wanted = Signal(object)
    judged = Signal(object, object)
    edited = Signal(str)
    edit_changed = Signal(object)
    version_wanted = Signal(int)

    def __init__(self, exchange: Exchange, style: Style, waiting: str = "") -> None:
        super().__init__()
        self._style = style
        self._waiting = waiting
        self.question = QuestionView(exchange)
        self.question.edited.connect(self.edited)
        self.question.edit_changed.connect(self.edit_changed)
        self.question.version_wanted.connect(self.version_wanted)
        self.answers: dict[str | None, AnswerView] = {}
        self._columns = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._columns.setSpacing(Space.FOUR)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(Space.HALF)
        layout.addWidget(self.question)
        layout.addLayout(self._columns)
        self.unanswered = UnansweredNote()
        self.unanswered.retry.clicked.connect(self.retry_wanted)
        self.unanswered.hide()
        layout.addWidget(self.unanswered)
        for answer in exchange.answers:
            self.show_answer(answer)

    def show_answer(self, answer: ShownAnswer) -> None:
        """Show an answer as it is now."""
        self.unanswered.hide()
        view = self.answers.get(answer.adapter)
        if view is None:
            view = AnswerView(self._style)
            view.retry.clicked.connect(self.retry_wanted)
            view.from_memory.clicked.connect(self.memory_wanted)
            view.go_on_wanted.connect(self.go_on_wanted)
            view.judged.connect(self.judged)
            view.sources.chosen.connect(self.source_wanted)
            view.sources.passage_wanted.connect(self.passage_wanted)
            self.answers[answer.adapter] = view
            self._columns.addWidget(view, 1, Qt.AlignmentFlag.AlignTop)
            view.set_waiting(self._waiting)
        view.show_answer(answer)

    def set_waiting(self, words: str) -> None:
        """What to say in place of an answer that has not begun."""
        self._waiting = words
        for view in self.answers.values():
            view.set_waiting(words)

    def set_last(self, is_last: bool, is_busy: bool) -> None:
        """Only the last question can be asked again, and only when nothing is being said."""
        can_retry = is_last and not is_busy
        for view in self.answers.values():
            view.set_can_retry(can_retry, is_busy)
        self.question.set_busy(is_busy)
        self.unanswered.setVisible(can_retry and not self.answers)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        is_wide = event.size().width() >= Size.READING
        directions = QBoxLayout.Direction
        self._columns.setDirection(directions.LeftToRight if is_wide else directions.TopToBottom)


class UnansweredNote(QWidget):
    """Says that a question is still without an answer."""

    def __init__(self) -> None:
        super().__init__()
        self.retry = button("Ask Again", "link")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(Space.ONE)
        layout.addWidget(label("This question was not answered.", "quiet"))
        layout.addWidget(self.retry)
        layout.addStretch()
