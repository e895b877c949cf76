"""One answer, as the transcript shows it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.chat.exchanges import Phase, ShownAnswer
from app.chat.judging import BetterAnswer, Thumbs
from app.chat.source_chips import LookedUp, SourceChips
from app.chat.thoughts_view import ThoughtsView
from app.style import Size, Space, Style, sized
from app.text.amounts import regional
from app.text.error_text import trouble
from app.widgets.copy_button import CopyButton
from app.widgets.elided import Elided
from app.widgets.flow_layout import FlowLayout
from app.widgets.labels import button, label, paragraph
from app.widgets.markdown_parts import has_blocks
from app.widgets.safe_markdown import SafeMarkdown
from mlx_backend.protocol import DECLINED, Citation
from mlx_backend.protocol.context_window import left_out_sentence

BASE_MODEL = "Base model"
_FROM_NOTES = "From your notes"
_THINKING = "Thinking…"
_THOUGHT_ONLY = (
    "It thought until there was no room left for an answer. Allow longer answers in Details, or"
    " switch “Think first” off, then ask again."
)

# A long answer takes longer to lay out: rest at least this many times as long as that took.
_REST_FACTOR = 4
_LEAST_REST_MS = 50


class AnswerView(QWidget):
    """Who answered, the answer, its sources, and what went wrong, if anything.

    A quote is shown as it stands in its note, and no model is named, because none worded it.
    """

    go_on_wanted = Signal(object)
    """Let this ShownAnswer go on."""

    judged = Signal(object, object)
    """This ShownAnswer has this Judgement now."""

    def __init__(self, style: Style) -> None:
        super().__init__()
        self._answer = ShownAnswer(None)
        self._waiting = ""
        self._can_retry = False
        self._is_busy = False
        self.name = Elided(kind="section")
        self.body = SafeMarkdown(style, links=True)
        self.status = paragraph(kind="quiet")
        self.thoughts = ThoughtsView()
        self.problem = paragraph(kind="warning")
        self.sources = SourceChips()
        self.looked_up: LookedUp | None = None
        self.left_out = paragraph(kind="small")
        self.speed = label(kind="small")
        sized(self.speed, lambda it: it.setFixedHeight(Size.CONTROL))
        self.copy = CopyButton(lambda: self._answer.shown, "this answer")
        self.retry = button("Ask Again", "footnote")
        self.retry.hide()
        self.go_on = button("Continue", "footnote")
        self.go_on.setToolTip("Let the answer go on where it ended.")
        self.go_on.clicked.connect(lambda: self.go_on_wanted.emit(self._answer))
        self.go_on.hide()
        self.from_memory = button("Answer from Memory", "footnote")
        self.from_memory.setToolTip("Ask the model itself, without looking in the notes.")
        self.from_memory.hide()
        self.thumbs = Thumbs()
        self.better = BetterAnswer()
        self.thumbs.judged.connect(lambda now: self.judged.emit(self._answer, now))
        self.thumbs.wording_wanted.connect(lambda: self.better.begin(self._answer.shown))
        self.better.worded.connect(self._word)
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

    def set_can_retry(self, can_retry: bool, is_busy: bool) -> None:
        """Whether the question may be asked again, and from memory where the notes do not say."""
        self._can_retry, self._is_busy = can_retry, is_busy
        self._show_actions(self._answer)

    def show_answer(self, answer: ShownAnswer) -> None:
        """Show an answer, or as much of it as there is."""
        self._answer = answer
        if not answer.phase.is_live:
            self._rest.stop()
            self._render()
        elif not self._rest.isActive():
            self._render()

    def _word(self, wanted: str) -> None:
        judgement = self._answer.judgement
        self.judged.emit(self._answer, replace(judgement, wanted=wanted))

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
        is_over = not answer.phase.is_live
        self.sources.show_sources(
            answer.sources if is_over else (), "" if answer.is_from_notes else "From: "
        )
        self._show_looked_up(answer.looked_up if is_over else (), answer.text == DECLINED)
        left_out = left_out_sentence(answer.left_out) if answer.left_out else ""
        self.left_out.setText(regional(left_out))
        self.left_out.setVisible(bool(answer.left_out))
        self.speed.setText(_footnote(answer))
        self.speed.setVisible(bool(self.speed.text()))
        self.thumbs.show_judgement(answer.judgement)
        self.better.show_wanted(answer.judgement.wanted)
        self._show_actions(answer)

    def _show_looked_up(self, places: Sequence[Citation], are_closest: bool) -> None:
        if places and self.looked_up is None:  # most answers have none
            self.looked_up = LookedUp()
            self.looked_up.chips.chosen.connect(self.sources.chosen)
            self.looked_up.chips.passage_wanted.connect(self.sources.passage_wanted)
            self._column.insertWidget(self._column.indexOf(self.left_out), self.looked_up)
        if self.looked_up is not None:
            self.looked_up.show_places(places, are_closest)
            self.looked_up.setVisible(bool(places))

    def _show_actions(self, answer: ShownAnswer) -> None:
        is_said = bool(answer.text) and not answer.phase.is_live
        self.copy.setVisible(is_said)
        self.retry.setVisible(self._can_retry)
        self.from_memory.setVisible(self._can_retry and answer.text == DECLINED)
        self.go_on.setVisible(self._can_retry and answer.can_go_on)
        self.thumbs.setVisible(is_said and answer.id > 0)

    def _show_status(self, answer: ShownAnswer) -> None:
        self.status.setText(_THINKING if answer.thoughts else self._waiting)
        self.status.setVisible(answer.phase is Phase.WAITING)

    def _lay_out(self) -> None:
        footer = QWidget()
        flow = FlowLayout(footer, Space.TWO, line_gap=0)
        for each in (
            self.copy,
            self.retry,
            self.go_on,
            self.from_memory,
            self.thumbs,
            self.speed,
        ):
            flow.addWidget(each)
        self._column = layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(Space.HALF)
        for part in (
            self.name,
            self.status,
            self.thoughts,
            self.body,
            self.problem,
            self.sources,
            self.left_out,
            footer,
            self.better,
        ):
            layout.addWidget(part)


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
    if answer.phase is Phase.BROKEN:
        return "Ended early, because the window or the engine went away"
    if _thought_only(answer):
        return ""
    if answer.phase is Phase.DONE and not answer.text.strip():
        return "It had nothing to say."
    if answer.is_cut:
        return "Cut off at the longest answer, which you can change in Details"
    return ""
