"""One question and its answers, as the transcript shows them."""

from __future__ import annotations

import time

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QFrame, QHBoxLayout, QVBoxLayout, QWidget

from app.chat.exchanges import Exchange, Phase, ShownAnswer
from app.chat.question_length import without_middle
from app.chat.source_chips import SourceChips
from app.chat.thoughts_view import ThoughtsView
from app.style import Size, Space, Style, sized
from app.text.amounts import regional
from app.text.error_text import trouble
from app.widgets.copy_button import CopyButton
from app.widgets.elided import Elided
from app.widgets.fitted_text import FittedText
from app.widgets.labels import button, label, paragraph
from app.widgets.markdown_parts import has_blocks
from app.widgets.safe_markdown import SafeMarkdown
from mlx_backend.protocol import DECLINED
from mlx_backend.protocol.context_window import left_out_sentence

BASE_MODEL = "Base model"
_FROM_NOTES = "From your notes"
_THINKING = "Thinking…"
_THOUGHT_ONLY = (
    "It thought until there was no room left for an answer. Allow longer answers in Settings, or"
    " switch “Think first” off, then ask again."
)

# A long answer takes longer to lay out: rest at least this many times as long as that took.
_REST_FACTOR = 4
_LEAST_REST_MS = 50


class ExchangeView(QWidget):
    """The question in a bubble; the answers below, side by side where there is room."""

    retry_wanted = Signal()

    memory_wanted = Signal()
    """Ask once more, without the notes."""

    source_wanted = Signal(object)
    """Open the note of this Citation."""

    def __init__(self, exchange: Exchange, style: Style, waiting: str = "") -> None:
        super().__init__()
        self._style = style
        self._waiting = waiting
        self.question = QuestionBubble(exchange.question)
        self.answers: dict[str | None, AnswerView] = {}
        self._columns = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._columns.setSpacing(Space.FOUR)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(Space.TWO)
        asked = QHBoxLayout()
        asked.addStretch(1)
        asked.addWidget(self.question, 1000)
        layout.addLayout(asked)
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
            view.sources.chosen.connect(self.source_wanted)
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
            view.set_can_retry(can_retry)
        self.unanswered.setVisible(can_retry and not self.answers)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        is_wide = event.size().width() >= Size.READING
        directions = QBoxLayout.Direction
        self._columns.setDirection(directions.LeftToRight if is_wide else directions.TopToBottom)


class QuestionBubble(QFrame):
    """What the person asked, word for word; as wide as that needs, up to a limit."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.setProperty("kind", "mine")
        self.text = FittedText()
        self.text.setAccessibleName("Your question")
        self.text.show_plain(without_middle(text))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(Space.TWO, Space.ONE, Space.TWO, Space.ONE)
        layout.addWidget(self.text)
        sized(self, QuestionBubble._fit)

    def _fit(self) -> None:
        words = self.text.document().idealWidth()
        self.setMaximumWidth(min(Size.BUBBLE, round(words) + 2 * Space.TWO + 1))


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


class AnswerView(QWidget):
    """Who answered, the answer, its sources, and what went wrong, if anything.

    A quote is shown as it stands in its note, and no model is named, because none worded it.
    """

    def __init__(self, style: Style) -> None:
        super().__init__()
        self._answer = ShownAnswer(None)
        self._waiting = ""
        self._can_retry = False
        self.name = Elided(kind="section")
        self.body = SafeMarkdown(style)
        self.status = paragraph(kind="quiet")
        self.thoughts = ThoughtsView()
        self.problem = paragraph(kind="warning")
        self.sources = SourceChips()
        self.left_out = paragraph(kind="small")
        self.speed = label(kind="small")
        self.copy = CopyButton(lambda: self._answer.shown, "this answer")
        self.retry = button("Ask Again", "footnote")
        self.retry.hide()
        self.from_memory = button("Ask from Memory", "footnote")
        self.from_memory.setToolTip("Ask the model itself, without looking in the notes.")
        self.from_memory.hide()
        self._rest = QTimer(self, singleShot=True)
        self._rest.timeout.connect(self._render)
        self._lay_out()

    @property
    def answer(self) -> ShownAnswer:
        """What is on show, or will be in a moment."""
        return self._answer

    def set_waiting(self, words: str) -> None:
        """What to say while the answer has not begun."""
        self._waiting = words
        self._show_status(self._answer)

    def set_can_retry(self, can_retry: bool) -> None:
        """Whether the question may be asked again, and from memory where the notes do not say."""
        self.retry.setVisible(can_retry)
        self._can_retry = can_retry
        self.from_memory.setVisible(can_retry and self._answer.text == DECLINED)

    def show_answer(self, answer: ShownAnswer) -> None:
        """Show an answer, or as much of it as there is."""
        self._answer = answer
        if not answer.phase.is_live:
            self._rest.stop()
            self._render()
        elif not self._rest.isActive():
            self._render()

    def _render(self) -> None:
        answer = self._answer
        began = time.monotonic()
        self.name.setText(_FROM_NOTES if answer.is_from_notes else _name(answer))
        self.name.setVisible(answer.phase is not Phase.WAITING)  # who words it is not known yet
        self.body.setAccessibleName(
            _FROM_NOTES if answer.is_from_notes else f"Answer of {_name(answer)}"
        )
        self.body.setVisible(bool(answer.text))
        if answer.quote and not has_blocks(answer.quote):
            self.body.show_plain(answer.quote)  # letter for letter: 2*3*4, __init__.py
        elif answer.quote:
            self.body.show_markdown(answer.quote)
        elif answer.text:
            self.body.show_markdown(answer.text)
        self._show_rest(answer)
        if answer.phase.is_live:
            took_ms = (time.monotonic() - began) * 1000
            self._rest.start(max(_LEAST_REST_MS, round(took_ms * _REST_FACTOR)))

    def _show_rest(self, answer: ShownAnswer) -> None:
        self._show_status(answer)
        self.thoughts.show_thoughts(answer.thoughts)
        self.problem.setText(_problem(answer))
        self.problem.setVisible(bool(self.problem.text()))
        self.copy.setVisible(bool(answer.text) and not answer.phase.is_live)
        shown = () if answer.phase.is_live else answer.sources
        self.sources.show_sources(shown, "" if answer.is_from_notes else "From: ")
        left_out = left_out_sentence(answer.left_out) if answer.left_out else ""
        self.left_out.setText(regional(left_out))
        self.left_out.setVisible(bool(answer.left_out))
        self.set_can_retry(self._can_retry)
        self.speed.setText(_footnote(answer))
        self.speed.setVisible(bool(self.speed.text()))

    def _show_status(self, answer: ShownAnswer) -> None:
        self.status.setText(_THINKING if answer.thoughts else self._waiting)
        self.status.setVisible(answer.phase is Phase.WAITING)

    def _lay_out(self) -> None:
        footer = QHBoxLayout()
        footer.setContentsMargins(0, 0, 0, 0)
        footer.setSpacing(Space.TWO)
        footer.addWidget(self.copy)
        footer.addWidget(self.retry)
        footer.addWidget(self.from_memory)
        footer.addWidget(self.speed)
        footer.addStretch()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(Space.HALF)
        layout.addWidget(self.name)
        layout.addWidget(self.status)
        layout.addWidget(self.thoughts)
        layout.addWidget(self.body)
        layout.addWidget(self.problem)
        layout.addWidget(self.sources)
        layout.addWidget(self.left_out)
        layout.addLayout(footer)


def _name(answer: ShownAnswer) -> str:
    """Who worded an answer."""
    return answer.adapter or (f"{BASE_MODEL}: {answer.base}" if answer.base else BASE_MODEL)


def _problem(answer: ShownAnswer) -> str:
    """What went wrong and what to do about it, "" for nothing."""
    if answer.error is not None:
        return trouble(answer.error)
    return _THOUGHT_ONLY if _thought_only(answer) else ""


def _thought_only(answer: ShownAnswer) -> bool:
    """Whether the longest answer allowed was used up before there was a word of the answer."""
    is_empty = answer.phase is Phase.DONE and not answer.text.strip()
    return is_empty and answer.is_cut and bool(answer.thoughts)


def _footnote(answer: ShownAnswer) -> str:
    if answer.phase is Phase.STOPPED:
        return "Stopped"
    if _thought_only(answer):
        return ""
    if answer.phase is Phase.DONE and not answer.text.strip():
        return "It had nothing to say."
    parts = []
    if answer.is_cut:
        parts.append("Cut off here; you can allow longer answers in Settings")
    return " · ".join(parts)
