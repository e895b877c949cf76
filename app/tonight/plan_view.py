"""What tonight's run would do, and the button that starts it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from app.jobs.planner import Plan
from app.style import Size, Space, sized
from app.text import amounts
from app.text.error_text import in_window
from app.tonight import plan_story
from app.tonight.base_menu import BaseMenu, choices_of
from app.tonight.plan_story import Hours
from app.tonight.start_menu import Beginning, StartMenu
from app.tonight.when_fields import WhenFields
from app.widgets.labels import button, label, paragraph, tip
from app.widgets.measuring_bar import MeasuringBar
from app.widgets.text_fields import LineField
from mlx_backend.errors import OvernightError
from mlx_backend.library.adapter_names import check_name, normal_name, same_among
from mlx_backend.library.models import BaseModel
from mlx_backend.library.notes import Totals

_MEASURING = "Measuring how fast this computer learns."
_REASSURANCE = (
    "You can close this window meanwhile, and pause, stop or continue the run at any time."
)
_LONGEST_PROMPT = 400
_LOOK_AT_THE_CLOCK_MS = 20_000


@dataclass(frozen=True)
class StartWish:
    """What the person wants to start: the adapter's name, when, and what to ask it on the way."""

    name: str
    hours: Hours
    prompt: str


class PlanView(QWidget):
    """One sentence, a name for the adapter, when to start, one button."""

    start_wanted = Signal(object)
    """Start what the StartWish says."""

    retry_wanted = Signal()
    """Make the plan again."""

    cancel_wanted = Signal()
    """Stop measuring."""

    base_wanted = Signal(str)
    """Train this base model."""

    start_chosen = Signal(str)
    """Go on from the adapter of this id; "": start fresh."""

    def __init__(self) -> None:
        super().__init__()
        self._plan: Plan | None = None
        self._may_start = False
        self._is_queued = False
        self._longest = 0.0
        self._taken: frozenset[str] = frozenset()
        self._name_is_theirs = False
        self._starting = False
        self.sentence = paragraph(kind="large")
        self.detail = paragraph(kind="quiet")
        self.schedule = paragraph()
        self.warning = paragraph(kind="warning")
        self.measuring = MeasuringBar(_MEASURING)
        self.retry = button("Try Again")
        self.name = LineField()
        self.name_problem = paragraph(kind="warning")
        self.base = BaseMenu()
        self.begin = StartMenu()
        self.replayed = paragraph(kind="quiet")
        self.replayed.hide()
        self._goes_on_from: Beginning | None = None
        self.when = WhenFields()
        self.prompt = LineField()
        self.start = button("Start", "primary")
        self._clock = QTimer(self, interval=_LOOK_AT_THE_CLOCK_MS)
        self._lay_out()
        self._connect()
        self._update()

    @property
    def plan(self) -> Plan | None:
        """The plan on show; None while it is being made, and where it is not measured."""
        return self._plan

    @property
    def is_starting(self) -> bool:
        """Whether a run is being started that is not there yet."""
        return self._starting

    def show_measuring(self, expected_s: float | None, longest: float) -> None:
        """Say that the plan of `longest` hours is being made, in about `expected_s` where known.

        Nobody has to wait for it: a run makes its own.
        """
        self._longest = longest
        self._show(_MEASURING, may_start=True)
        self.measuring.begin(expected_s)
        self.measuring.show()

    def show_plan(self, plan: Plan, totals: Totals, longest: float) -> None:
        """Say what the run would do, within `longest` hours."""
        self._longest = longest
        self._show(plan_story.plan_sentence(plan, totals, self._goes_on), plan, may_start=True)
        warning = plan_story.warning(plan)
        self.warning.setText(warning)
        self.warning.setVisible(bool(warning))
        self.retry.setText("Measure Again")
        self.retry.setVisible(not plan.fits)

    def show_unmeasured(self, totals: Totals, longest: float) -> None:
        """Let the run start without a plan: it measures by itself, when it begins."""
        self._longest = longest
        self._show(plan_story.unmeasured_sentence(totals, self._goes_on), may_start=True)
        self.retry.setText("Measure It")
        self.retry.show()

    def show_queued(self, totals: Totals, longest: float, before: str) -> None:
        """Say that the run would come after the one called `before`."""
        self._longest = longest
        sentence = plan_story.queue_sentence(totals, before, self._goes_on)
        self._show(sentence, may_start=True, queued=True)

    def show_error(self, error: OvernightError) -> None:
        """Say why there is no plan."""
        self._show(in_window(error.message))
        self.detail.setText(in_window(error.hint))
        self.detail.setVisible(bool(error.hint))
        self.retry.setText("Try Again")
        self.retry.show()

    def suggest_name(self, name: str, taken: frozenset[str]) -> None:
        """Fill the name in, unless the person has typed one; `taken` are those in use."""
        self._taken = taken
        if not self._name_is_theirs or not self.name.text().strip():
            self._name_is_theirs = False
            self.name.setText(name)
        self._update()

    def show_bases(self, models: Sequence[BaseModel], chosen: str) -> None:
        """Name the base model, and offer the others of the library."""
        self.base.show_choices(choices_of(models, chosen), chosen)

    def show_beginnings(self, there: Sequence[Beginning], base: str, chosen: str) -> None:
        """Offer what the night may begin with, with one chosen by its id."""
        self.begin.show_choices(there, base, chosen)
        for part in (self.begin, self._begin_caption):
            part.setVisible(bool(there))
        start = next((each for each in there if each.id == chosen), None)
        self._goes_on_from = start
        self.replayed.setText(plan_story.replayed(start) if start is not None else "")
        self.replayed.setVisible(start is not None)

    @property
    def _goes_on(self) -> str:
        """The name of the adapter that the night goes on from; "" for none."""
        return self._goes_on_from.name if self._goes_on_from is not None else ""

    def set_starting(self, starting: bool) -> None:
        """Show that a run is being started, which also uses up the typed name."""
        self._starting = starting
        if starting:
            self._name_is_theirs = False
        self._update()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._clock.start()
        self._update()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._clock.stop()

    def _show(
        self,
        sentence: str,
        plan: Plan | None = None,
        may_start: bool = False,
        queued: bool = False,
    ) -> None:
        self._plan, self._may_start, self._is_queued = plan, may_start, queued
        self.sentence.setText(sentence)
        self.detail.setText(_REASSURANCE)
        for widget in (self.warning, self.measuring, self.retry):
            widget.hide()
        self.detail.setVisible(may_start)
        self.schedule.setVisible(may_start)
        self._update()

    def _ask_to_start(self) -> None:
        hours = self.when.hours(self._longest, time.time())
        name = normal_name(self.name.text().strip())
        self.start_wanted.emit(StartWish(name, hours, self.prompt.text().strip()))

    def _take_name(self) -> None:
        self._name_is_theirs = True

    def _update(self) -> None:
        problem = self._problem_of(self.name.text().strip()) or self._problem_of_prompt()
        self.name_problem.setText(problem)
        self.name_problem.setVisible(bool(problem))
        now = time.time()
        hours = self.when.hours(self._longest, now)
        self.schedule.setText(plan_story.schedule(hours, self._plan, now, self._is_queued))
        self.start.setText("Starting…" if self._starting else "Start")
        self.start.setEnabled(self._may_start and not problem and not self._starting)

    def _problem_of(self, name: str) -> str:
        if not name:
            return "The adapter needs a name."
        if same_among(name, self._taken) is not None:
            return "There is already an adapter of this name. Choose another."
        try:
            check_name(name)
        except OvernightError as error:
            return in_window(error.hint)
        return ""

    def _problem_of_prompt(self) -> str:
        length = len(self.prompt.text().strip())
        if length <= _LONGEST_PROMPT:
            return ""
        return (
            f"The question to ask it on the way has {amounts.count(length, 'character')};"
            f" {amounts.number(_LONGEST_PROMPT)} fit. Shorten it."
        )

    def _connect(self) -> None:
        self.name.textEdited.connect(self._take_name)
        for field in (self.name, self.prompt):
            field.textChanged.connect(lambda _: self._update())
        for field in (self.name, self.prompt):
            field.returnPressed.connect(self.start.click)
        self.when.changed.connect(self._update)
        self.base.chosen.connect(self.base_wanted)
        self.begin.chosen.connect(self.start_chosen)
        self._clock.timeout.connect(self._update)
        self.start.clicked.connect(self._ask_to_start)
        self.retry.clicked.connect(self.retry_wanted)
        self.measuring.cancelled.connect(self.cancel_wanted)

    def _lay_out(self) -> None:
        self.prompt.setPlaceholderText("For example: What did I want to do this winter?")
        column = QWidget()
        sized(column, lambda it: it.setMaximumWidth(Size.READING))
        inner = QVBoxLayout(column)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(Space.TWO)
        left = Qt.AlignmentFlag.AlignLeft
        for part in (self.sentence, self.measuring, self.warning):
            inner.addWidget(part)
        inner.addWidget(self.retry, alignment=left)
        inner.addSpacing(Space.ONE)
        inner.addLayout(self._make_form())
        inner.addWidget(self.replayed)
        inner.addWidget(self.name_problem)
        inner.addWidget(self.schedule)
        inner.addWidget(self.start, alignment=left)
        inner.addWidget(self.detail)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(column)
        layout.addStretch(1)

    def _make_form(self) -> QGridLayout:
        form = QGridLayout()
        form.setHorizontalSpacing(Space.TWO)
        form.setVerticalSpacing(Space.ONE)
        rows = (
            ("Call the result", "Name of the adapter", self.name),
            ("Ask it on the way", "A question to ask it now and then while it learns", self.prompt),
        )
        for row, (text, meaning, field) in enumerate(rows):
            caption = label(text, "quiet")
            caption.setBuddy(field)
            sized(field, lambda it: it.setFixedHeight(Size.CONTROL))
            field.setAccessibleName(meaning)
            field.setToolTip(tip(meaning))
            form.addWidget(caption, row, 0)
            form.addWidget(field, row, 1)
        caption = label("Base model", "quiet")
        caption.setBuddy(self.base)
        form.addWidget(caption, len(rows), 0)
        form.addWidget(self.base, len(rows), 1, Qt.AlignmentFlag.AlignLeft)
        self._begin_caption = label("Begin with", "quiet")
        self._begin_caption.setBuddy(self.begin)
        form.addWidget(self._begin_caption, len(rows) + 1, 0)
        form.addWidget(self.begin, len(rows) + 1, 1, Qt.AlignmentFlag.AlignLeft)
        form.addWidget(label("When", "quiet"), len(rows) + 2, 0)
        form.addWidget(self.when, len(rows) + 2, 1)
        form.setColumnStretch(1, 1)
        return form
