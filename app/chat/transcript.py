"""What has been said, scrolling along while an answer is being given."""

from __future__ import annotations

import time
from collections.abc import Sequence

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


class Transcript(QScrollArea):
    """The exchanges of one conversation, the last at the bottom."""

    retry_wanted = Signal()
    memory_wanted = Signal()

    source_wanted = Signal(object)
    """Open the note of this Citation."""

    def __init__(self, style: Style) -> None:
        super().__init__()
        self._style = style
        self._exchanges: list[Exchange] = []
        self._views: dict[int, ExchangeView] = {}
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
        bar.valueChanged.connect(self._notice_scrolling)
        bar.rangeChanged.connect(self._follow)

    @property
    def views(self) -> list[ExchangeView]:
        """The exchanges that are laid out."""
        return [self._views[index] for index in sorted(self._views)]

    def show_exchanges(self, exchanges: Sequence[Exchange]) -> None:
        """Show another conversation, from its end."""
        for view in self._views.values():
            self._column.removeWidget(view)
            view.hide()
        self._leaving += self._views.values()
        self._views.clear()
        self._exchanges = list(exchanges)
        self._sticks = True
        self._first = len(exchanges)
        self._coming = []
        self._bring_earlier()

    def add_exchange(self, exchange: Exchange) -> None:
        """Add a question at the end, and look at it."""
        self._exchanges.append(exchange)
        self._sticks = True
        self._insert(len(self._exchanges) - 1, self._column.count() - 1)
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
        view = ExchangeView(self._exchanges[index], self._style, self._waiting)
        view.retry_wanted.connect(self.retry_wanted)
        view.memory_wanted.connect(self.memory_wanted)
        view.source_wanted.connect(self.source_wanted)
        self._views[index] = view
        self._column.insertWidget(place, view)

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
