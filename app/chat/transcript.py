"""What has been said, scrolling along while an answer is being given."""

from __future__ import annotations

import functools
import time
from collections.abc import Mapping, Sequence

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from app.chat.exchange_view import ExchangeView
from app.chat.exchanges import Exchange, ShownAnswer
from app.style import Size, Space, Style, sized
from app.widgets.labels import button
from mlx_backend.text.folding import folded

# Of a long conversation the latest part is laid out; the rest on request.
_AT_ONCE = 30
# Each exchange takes some milliseconds: only as many are laid out at once as nobody notices.
_LONGEST_TURN_S = 0.015
_SETTLING_MS = 200
_NEAR_TOP = 200  # pixels


class Transcript(QScrollArea):
    """The exchanges of one conversation, the last at the bottom."""

    retry_wanted = Signal(int)
    """Ask the question of this index again; all indexes are those of the exchanges on show."""

    memory_wanted = Signal(int)
    """Ask it again, without the notes."""

    go_on_wanted = Signal(int, object)
    """Let this ShownAnswer to it go on."""

    edited = Signal(int, str)
    """Ask this in place of it."""

    edit_changed = Signal(int, object)
    """Its question, by its id, is being changed to this text; None when that ends."""

    version_wanted = Signal(int)
    """Show the version of a question that has this id."""

    judged = Signal(object, object)
    """This ShownAnswer has this Judgement now."""

    source_wanted = Signal(object)
    """Open the note of this Citation."""

    passage_wanted = Signal(object, object)
    """The text of this Citation is wanted by this chip."""

    def __init__(self, style: Style) -> None:
        super().__init__()
        self._style = style
        self._exchanges: list[Exchange] = []
        self._views: dict[int, ExchangeView] = {}
        self._edits: dict[int, str] = {}
        self._waiting = ""
        self._busy = False
        self._sticks = True
        self._first = 0
        self._coming: list[int] = []
        self._leaving: list[ExchangeView] = []
        self._from_end = 0
        self._holding = QTimer(self, singleShot=True, interval=_SETTLING_MS)
        self._work = QTimer(self, singleShot=True, interval=0)
        self._work.timeout.connect(self._go_on)
        self.inside = QWidget()
        self.earlier = button("Show Earlier", "link")
        self.earlier.clicked.connect(self._show_earlier)
        self._column = QVBoxLayout()
        self._column.setSpacing(Space.FOUR)
        self._lay_out()
        bar = self.verticalScrollBar()
        bar.actionTriggered.connect(lambda _: QTimer.singleShot(0, self, self._look_up))
        bar.valueChanged.connect(self._notice_scrolling)
        bar.rangeChanged.connect(self._follow)

    @property
    def views(self) -> list[ExchangeView]:
        """The exchanges that are laid out."""
        return [self._views[index] for index in sorted(self._views)]

    def show_exchanges(self, exchanges: Sequence[Exchange]) -> None:
        """Show another conversation, from its end."""
        self._leave(list(self._views))
        self._exchanges = list(exchanges)
        self._sticks = True
        self._first = len(exchanges)
        self._coming = []
        self._bring_earlier()

    def show_branch(self, exchanges: Sequence[Exchange]) -> None:
        """Show another branch of the same conversation; what both have in common stays in place."""
        pairs = enumerate(zip(self._exchanges, exchanges, strict=False))
        shorter = min(len(self._exchanges), len(exchanges))
        same = next((at for at, (old, new) in pairs if not _is_same(old, new)), shorter)
        if same <= self._first:
            self.show_exchanges(exchanges)
            return
        self._leave([index for index in self._views if index >= same])
        self._exchanges = list(exchanges)
        self._coming = [index for index in self._coming if index < same]
        for index in range(same):
            if index in self._views:
                self._views[index].question.show_exchange(exchanges[index])
        for index in range(same, len(exchanges)):
            self._insert(index, self._column.count() - 1)
        self._mark_last()

    def set_edits(self, edits: Mapping[int, str]) -> None:
        """The texts to which questions are being changed, by the ids of these."""
        self._edits = dict(edits)

    def add_exchange(self, exchange: Exchange) -> None:
        """Add a question at the end, and look at it."""
        self._exchanges.append(exchange)
        self._sticks = True
        self._insert(len(self._exchanges) - 1, self._column.count() - 1)
        self._trim()
        self._mark_last()

    def show_answer(self, index: int, answer: ShownAnswer) -> None:
        """Show an answer to the exchange of this index as it is now."""
        self._exchanges[index] = self._exchanges[index].answered(answer)
        view = self._views.get(index)
        if view is not None:
            is_new = answer.adapter not in view.answers
            view.show_answer(answer)
            if is_new:
                self._mark_last()

    def lay_out_to(self, words: str) -> None:
        """Lay out all from the first exchange on that has these words."""
        if not words:
            return
        has = (at for at, exchange in enumerate(self._exchanges) if _has(exchange, words))
        first = next(has, len(self._exchanges))
        while first < min(self._views, default=0):
            self._show_earlier()

    def set_waiting(self, words: str) -> None:
        """What to say in place of an answer that has not begun."""
        self._waiting = words
        last = self._views.get(len(self._exchanges) - 1)
        if last is not None:
            last.set_waiting(words)

    def set_busy(self, busy: bool) -> None:
        """Whether an answer is being given."""
        self._busy = busy
        self._mark_last()

    def _insert(self, index: int, place: int) -> None:
        exchange = self._exchanges[index]
        view = ExchangeView(exchange, self._style, self._waiting)
        view.retry_wanted.connect(functools.partial(self.retry_wanted.emit, index))
        view.memory_wanted.connect(functools.partial(self.memory_wanted.emit, index))
        view.go_on_wanted.connect(functools.partial(self.go_on_wanted.emit, index))
        view.edited.connect(functools.partial(self.edited.emit, index))
        view.edit_changed.connect(functools.partial(self._tell_edit, index))
        view.version_wanted.connect(self.version_wanted)
        view.judged.connect(self.judged)
        view.source_wanted.connect(self.source_wanted)
        view.passage_wanted.connect(self.passage_wanted)
        self._views[index] = view
        self._column.insertWidget(place, view)
        if exchange.id in self._edits:
            view.question.show_edit(self._edits[exchange.id])

    def end_edit(self, question: int) -> None:
        """The question of this id is no longer being changed."""
        self._edits.pop(question, None)
        self.edit_changed.emit(question, None)

    def _tell_edit(self, index: int, text: str | None) -> None:
        question = self._exchanges[index].id
        self._edits.pop(question, None)
        if text is not None:
            self._edits[question] = text
        self.edit_changed.emit(question, text)

    def _leave(self, indexes: Sequence[int]) -> None:
        for index in indexes:
            view = self._views.pop(index)
            self._column.removeWidget(view)
            view.hide()
            self._leaving.append(view)
        if self._leaving:
            self._work.start()

    def _trim(self) -> None:
        """Who is at the end of a long conversation does not pay for all that is above."""
        if len(self._views) > 2 * _AT_ONCE and not self._coming:
            self._first = len(self._exchanges) - _AT_ONCE
            self._leave([index for index in self._views if index < self._first])

    def _bring_earlier(self) -> None:
        """Lay out more exchanges above those that there are, the nearest first."""
        first = max(0, self._first - _AT_ONCE)
        self._coming = [*range(first, self._first), *self._coming]
        self._first = first
        self._go_on()

    def _go_on(self) -> None:
        until = time.monotonic() + _LONGEST_TURN_S
        if self._coming and not self._sticks:
            self._holding.start()
        while self._coming:
            self._insert(self._coming.pop(), 1)
            if time.monotonic() > until:
                break
        while self._leaving and time.monotonic() <= until:
            self._leaving.pop().deleteLater()
        self._mark_last()
        if self._coming or self._leaving:
            self._work.start()

    def _mark_last(self) -> None:
        last = len(self._exchanges) - 1
        for index, view in self._views.items():
            view.set_last(index == last, self._busy)
        self.earlier.setVisible(self._first > 0)

    def _show_earlier(self) -> None:
        self.earlier.clearFocus()  # else hiding it scrolls to the widget that gets its focus
        self._sticks = False
        self._bring_earlier()

    def _look_up(self) -> None:
        """Lay out more of what was said earlier for a person who scrolls there."""
        is_near = self.verticalScrollBar().sliderPosition() < _NEAR_TOP
        if is_near and self._first > 0 and not self._coming:
            self._sticks = False
            self._bring_earlier()

    def _notice_scrolling(self, value: int) -> None:
        self._from_end = self.verticalScrollBar().maximum() - value
        self._sticks = self._from_end <= Space.ONE

    def _follow(self, _: int, maximum: int) -> None:
        if self._sticks:
            self.verticalScrollBar().setValue(maximum)
        elif self._holding.isActive():
            # What is added above must not push what is being read out of view.
            self.verticalScrollBar().setValue(maximum - self._from_end)

    def _lay_out(self) -> None:
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        column = QWidget()
        sized(column, lambda it: it.setMaximumWidth(Size.TRANSCRIPT))
        column.setLayout(self._column)
        self._column.setContentsMargins(Space.FOUR, Space.TWO, Space.FOUR, Space.FOUR)
        self._column.addWidget(self.earlier, alignment=Qt.AlignmentFlag.AlignHCenter)
        self._column.addStretch(1)
        centre(column, QHBoxLayout(self.inside))
        self.setWidget(self.inside)


def _is_same(old: Exchange, new: Exchange) -> bool:
    """Whether both are the same version of a question, which may have got its id only now."""
    return old.id == new.id or (not old.id and old.question == new.question)


def _has(exchange: Exchange, words: str) -> bool:
    texts = (exchange.question, *(answer.text for answer in exchange.answers))
    return any(folded(words) in folded(text) for text in texts)


def centre(column: QWidget, row: QHBoxLayout) -> None:
    """Give a column all the room up to its greatest width, and put it in the middle."""
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(0)
    row.addStretch(1)
    row.addWidget(column, 100)
    row.addStretch(1)
