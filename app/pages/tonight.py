"""Tonight: the plan, the run while it goes on, and what came of it."""

from __future__ import annotations

import functools
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QStackedLayout, QStackedWidget, QVBoxLayout, QWidget

from app import words
from app.job_snapshot import JobSnapshot
from app.pages.tonight_history import RunHistory
from app.pages.tonight_plan import PlanView
from app.pages.tonight_run import RunView
from app.planner import Plan, PlanQuestion
from app.services import Services
from app.style import Space
from app.widgets.empty import EmptyState
from app.widgets.text import label
from mlx_backend.errors import OvernightError
from mlx_backend.jobs import JobState
from mlx_backend.library.adapters import list_adapters
from mlx_backend.library.notes import Notes, Totals
from mlx_backend.protocol import TrainSpec

# A finished run greets the person for so long; then the page is about the next night again.
_FRESH_S = 12 * 3600


@dataclass(frozen=True)
class _Found:
    totals: Totals
    adapters: frozenset[str]


class TonightPage(QWidget):
    """Shows one of three things: what to do first, tonight's plan, or a run."""

    add_notes_wanted = Signal()
    chat_wanted = Signal(str)
    """Chat with the adapter of this name."""

    def __init__(self, services: Services) -> None:
        super().__init__()
        self._services = services
        self._found: _Found | None = None
        self._chosen: str | None = None
        self._wants_plan = False
        self._asked: PlanQuestion | None = None
        self._starting: str | None = None
        self.empty = EmptyState(
            "tonight",
            "Nothing to learn yet",
            "Here a model learns your notes overnight, on this computer. First add the notes.",
            "Add Notes",
        )
        self.plan = PlanView()
        self.run = RunView(services.style)
        self.history = RunHistory()
        self._middle = QStackedWidget()
        self._stack = QStackedLayout(self)
        self._lay_out()
        self._connect()
        self.refresh()

    def refresh(self) -> None:
        """Look at the notes and adapters again."""
        find = functools.partial(_find, self._services.library.adapters)
        self._services.background.call(find, self._take_found)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()

    def show_run(self, run_id: str) -> None:
        """Show this run, whatever else there is."""
        self._chosen = run_id
        self._update()

    # --- what is shown ---

    def _take_found(self, found: _Found) -> None:
        self._found = found
        self._update()

    def _update(self) -> None:
        runs = self._services.watcher.runs()
        shown = self._run_to_show(runs)
        has_notes = self._found is not None and self._found.totals.notes > 0
        if shown is not None:
            self._leave_plan()
            self.run.show_run(shown)
            self._middle.setCurrentWidget(self.run)
        elif has_notes:
            self._middle.setCurrentWidget(self.plan)
            self._show_plan()
        if shown is not None or has_notes:
            self._stack.setCurrentIndex(2)
        else:
            self._stack.setCurrentIndex(0 if self._found is None else 1)
        self.history.setVisible(len(runs) > (0 if shown is None else 1))
        self.history.show_runs(runs, shown.id if shown else None)

    def _run_to_show(self, runs: list[JobSnapshot]) -> JobSnapshot | None:
        chosen = next((run for run in runs if run.id == self._chosen), None)
        if chosen is not None:
            return chosen
        active = next((run for run in runs if run.is_active), None)
        if active is not None or self._wants_plan or not runs:
            return active
        latest = runs[0]
        is_old = time.time() - latest.latest_at > _FRESH_S
        return None if latest.state is JobState.FINISHED and is_old else latest

    def _choose(self, run_id: str | None) -> None:
        self._chosen = run_id
        self._wants_plan = run_id is None
        self._update()

    # --- the plan ---

    def _show_plan(self) -> None:
        if self._found is None or not self.isVisible():
            return
        taken = self._found.adapters
        self.plan.suggest_name(default_name(taken, time.time()), taken)
        question = PlanQuestion.of(self._found.totals, self._services.preferences.settings)
        if question != self._asked:
            self._asked = question
            self.plan.show_measuring()
            self._services.planner.ask(question)

    def _leave_plan(self) -> None:
        # Measuring would take the processor from the run.
        if self._asked is not None and self.plan.plan is None:
            self._services.planner.cancel()
            self._asked = None

    def _take_plan(self, question: PlanQuestion, plan: Plan) -> None:
        if question == self._asked:
            self.plan.show_plan(plan, question.totals, question.hours)

    def _take_plan_error(self, question: PlanQuestion, error: OvernightError) -> None:
        if question == self._asked:
            self.plan.show_error(error)

    def _retry_plan(self) -> None:
        self._asked = None
        self._update()

    # --- the run ---

    def _start(self, name: str) -> None:
        plan = self.plan.plan
        if plan is not None:
            self.plan.set_starting(True)
            self._services.keeper.make_room(plan.peak_bytes, lambda: self._launch(name, plan.steps))

    def _launch(self, name: str, steps: int) -> None:
        settings = self._services.preferences.settings
        spec = TrainSpec(
            name=name,
            model=settings.base_model,
            steps=steps,  # as was promised; should the machine be slower than then, hours end it
            hours=settings.hours,
            passes=settings.passes,
            rank=settings.rank,
            learning_rate=settings.learning_rate,
        )
        self._starting = self._services.watcher.start(spec)
        self._chosen = self._starting

    def _resume(self, run_id: str) -> None:
        status = self._services.watcher.status(run_id)
        bytes_needed = status.latest.peak_bytes if status and status.latest else 0
        self._services.keeper.make_room(bytes_needed, lambda: self._services.watcher.resume(run_id))

    def _take_change(self, job_id: str) -> None:
        job = self._services.watcher.snapshot(job_id)
        if job is None or not isinstance(job.spec, TrainSpec):
            return
        if job_id == self._starting:
            self._starting = None
            self.plan.set_starting(False)
        if self.isVisible() or not job.is_active:
            self._update()

    def _take_start_failure(self, job_id: str, _: OvernightError) -> None:
        # The window says what went wrong.
        if job_id in (self._starting, self.run.run_id):
            self._starting = None
            self.plan.set_starting(False)
            self._update()

    # --- making the page ---

    def _connect(self) -> None:
        services = self._services
        services.watcher.job_changed.connect(self._take_change)
        services.watcher.job_ended.connect(lambda _: self.refresh())
        services.watcher.start_failed.connect(self._take_start_failure)
        services.planner.planned.connect(self._take_plan)
        services.planner.failed.connect(self._take_plan_error)
        services.preferences.changed.connect(self._update)
        self.empty.chosen.connect(self.add_notes_wanted)
        self.plan.start_wanted.connect(self._start)
        self.plan.retry_wanted.connect(self._retry_plan)
        self.run.stop_wanted.connect(services.watcher.stop)
        self.run.resume_wanted.connect(self._resume)
        self.run.chat_wanted.connect(self.chat_wanted)
        self.run.plan_wanted.connect(lambda: self._choose(None))
        self.history.chosen.connect(self._choose)

    def _lay_out(self) -> None:
        self._middle.addWidget(self.plan)
        self._middle.addWidget(self.run)
        content = QWidget()
        layout = QVBoxLayout(content)
        layout.setContentsMargins(Space.FOUR, Space.THREE, Space.FOUR, Space.TWO)
        layout.setSpacing(Space.TWO)
        layout.addWidget(label("Tonight", "title"))
        layout.addWidget(self._middle, 1)
        layout.addWidget(self.history)
        self._stack.addWidget(QWidget())  # until the library was looked at
        self._stack.addWidget(self.empty)
        self._stack.addWidget(content)


def default_name(taken: frozenset[str], now: float) -> str:
    """A name for tonight's adapter that is not in use: "Notes 23 November"."""
    name = f"Notes {words.date(now)}"
    number = 2
    while name in taken:
        name = f"Notes {words.date(now)} {number}"
        number += 1
    return name


def _find(adapters: Path, db: sqlite3.Connection) -> _Found:
    names = frozenset(adapter.card.name for adapter in list_adapters(adapters))
    return _Found(Notes(db).totals(), names)
