"""Tonight: the plan, the run while it goes on, and what came of it."""

from __future__ import annotations

import functools
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass

import msgspec
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QScrollArea, QStackedLayout, QVBoxLayout, QWidget

from app.jobs import run_queue
from app.jobs.lane_watch import LaneWatch
from app.jobs.planner import Plan, PlanQuestion
from app.jobs.snapshot import JobSnapshot
from app.library.base_models import base_models
from app.services import Services
from app.style import Space
from app.text import amounts
from app.tonight.plan_view import PlanView, StartWish
from app.tonight.queue_list import QueueList
from app.tonight.run_history import RunHistory
from app.tonight.run_view import RunView
from app.tonight.start_menu import Beginning, beginnings
from app.widgets.empty_state import EmptyState
from app.widgets.labels import label
from app.widgets.undo_bar import UndoBar
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.jobs import JobState
from mlx_backend.library import Library
from mlx_backend.library.adapter_names import same_among
from mlx_backend.library.adapters import list_adapters, list_damaged
from mlx_backend.library.models import BaseModel
from mlx_backend.library.notes import Notes, Totals
from mlx_backend.library.samples import Samples
from mlx_backend.protocol import TrainSpec
from mlx_backend.settings import Settings

# How long the page shows a finished run before it turns to the next night again.
_FRESH_S = 12 * 3600


@dataclass(frozen=True)
class _Found:
    totals: Totals
    adapters: frozenset[str]
    beginnings: list[Beginning]
    studied: int
    models: list[BaseModel]


class TonightPage(QWidget):
    """Shows one of three things: what to do first, tonight's plan, or a run."""

    add_notes_wanted = Signal()
    chat_wanted = Signal(str)
    """Chat with the adapter of this name."""

    samples_wanted = Signal()
    """Show what study wrote."""

    run_seen = Signal(str)
    """The run of this id was on show, and the person turned to something else."""

    def __init__(self, services: Services) -> None:
        super().__init__()
        self._services = services
        self._found: _Found | None = None
        self._chosen: str | None = None
        self._wants_plan = False
        self._asked: PlanQuestion | None = None
        self._given_up: PlanQuestion | None = None
        self._lane = LaneWatch(services.library, services.watcher, self)
        self._starting: str | None = None
        self._start_from = ""  # the id of an adapter
        self._chosen_base = services.preferences.settings.base_model
        self.empty = EmptyState(
            "tonight",
            "Nothing to learn yet",
            "Here a model learns your notes overnight, on this computer. First add the notes.",
            "Add Notes",
        )
        self.plan = PlanView()
        self.run = RunView(services.style)
        self.queue = QueueList()
        self.history = RunHistory()
        self.undo_bar = UndoBar(services.history)
        self.title = label("Tonight", "title")
        self._stack = QStackedLayout(self)
        self._lay_out()
        self._connect()
        self.refresh()

    def refresh(self) -> None:
        """Look at the notes and adapters again."""
        self._look(self._take_found)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self.plan.plan is not None and not self.plan.plan.is_lasting:
            self._asked = None  # perhaps there is more memory by now
        self.refresh()

    def show_run(self, run_id: str) -> None:
        """Show this run, whatever else there is."""
        self._chosen = run_id
        self._update()

    def go_on_from(self, adapter_id: str) -> None:
        """Plan one night that goes on from the adapter of this id, on its base model."""
        self._choose(None)
        self._look(functools.partial(self._take_start, adapter_id))

    # --- what is shown ---

    def _look(self, take: Callable[[_Found], None]) -> None:
        find = functools.partial(_find, self._services.library)
        self._services.background.call(find, take)

    def _take_start(self, adapter_id: str, found: _Found) -> None:
        is_it = (each.id == adapter_id and bool(each.base) for each in found.beginnings)
        if any(is_it):
            self._start_from = adapter_id
        self._take_found(found)

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
            self._bring_up(self.run)
        elif has_notes:
            self._bring_up(self.plan)
            self._show_plan(runs)
        if shown is not None or has_notes:
            self._stack.setCurrentIndex(2)
        else:
            self._stack.setCurrentIndex(0 if self._found is None else 1)
        is_report = shown is not None and self.run.has_report
        self.title.setText("Morning Report" if is_report else "Tonight")
        self._show_lists(runs, shown)

    def _bring_up(self, part: QWidget) -> None:
        # Not a stack: that would be as high as the higher of the two, and scroll for nothing.
        for other in {self.plan, self.run} - {part}:
            other.hide()
        part.show()

    def _show_lists(self, runs: list[JobSnapshot], shown: JobSnapshot | None) -> None:
        self.queue.show_runs(run_queue.queued(runs))
        others = [run for run in runs if not run_queue.is_queued(run)]
        is_all = others == [shown] if shown else not others
        self.history.setVisible(not is_all)
        self.history.show_runs(others, shown.id if shown else None)

    def _run_to_show(self, runs: list[JobSnapshot]) -> JobSnapshot | None:
        chosen = next((run for run in runs if run.id == self._chosen), None)
        if chosen is not None:
            return chosen
        if self._wants_plan or not runs:
            return None
        active = [run for run in runs if run.is_active]
        if active:
            return min(active, key=run_queue.is_queued)  # what is at work, before what waits
        latest = runs[0]
        is_old = time.time() - latest.latest_at > _FRESH_S
        return None if latest.state is JobState.FINISHED and is_old else latest

    def _choose(self, run_id: str | None) -> None:
        self._chosen = run_id
        self._wants_plan = run_id is None
        self._update()

    # --- the plan ---

    def _show_plan(self, runs: list[JobSnapshot]) -> None:
        if self._found is None or not self.isVisible() or self.plan.is_starting:
            return  # measuring now would keep the run waiting
        totals, settings = self._found.totals, self._settings()
        taken = self._found.adapters | {run.name for run in runs if run.is_active}
        self.plan.show_bases(self._found.models, settings.base_model)
        start = self._beginning()
        chosen = start.id if start else ""
        self.plan.show_beginnings(self._found.beginnings, settings.base_model, chosen)
        self.plan.suggest_name(default_name(taken, time.time()), taken)
        before = run_queue.last_in_queue(runs)
        name = start.name if start else ""
        question = PlanQuestion.of(totals, settings, self._found.studied, name)
        if before is not None:
            self._leave_plan()
            self._asked = None
            self.plan.show_queued(totals, settings.hours, before.name)
        elif question == self._given_up:
            self.plan.show_unmeasured(totals, settings.hours)
        elif question != self._asked:
            self._asked = question
            self._lane.end()
            self.plan.show_measuring(self._services.planner.expected_s, settings.hours)
            self._services.planner.ask(question)

    def _beginning(self) -> Beginning | None:
        """What the night goes on from; None where it starts fresh."""
        there = self._found.beginnings if self._found is not None else []
        return next((each for each in there if each.id == self._start_from and each.base), None)

    def _settings(self) -> Settings:
        """Those of this night: an adapter that it goes on from brings its base model."""
        settings, start = self._services.preferences.settings, self._beginning()
        base = start.base if start is not None else settings.base_model
        return msgspec.structs.replace(settings, base_model=base)

    def _choose_start(self, adapter_id: str) -> None:
        self._start_from = adapter_id
        self._update()

    def _choose_base(self, name: str) -> None:
        self._keep_to_base(name)
        self._services.preferences.change(base_model=name)
        self._update()

    def _take_preferences(self) -> None:
        base = self._services.preferences.settings.base_model
        if base != self._chosen_base:
            self._keep_to_base(base)
        self._update()

    def _keep_to_base(self, base: str) -> None:
        """Somebody chose this base model: an adapter of another one is not gone on from."""
        self._chosen_base = base
        start = self._beginning()
        if start is not None and start.base != base:
            self._start_from = ""

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
            if error.kind is ErrorKind.BUSY:
                self._lane.begin()

    def _retry_plan(self) -> None:
        self._given_up = None
        self._ask_again()

    def _ask_again(self) -> None:
        self._lane.end()
        self._asked = None
        self._update()

    def _give_plan_up(self) -> None:
        self._given_up = self._asked
        self._leave_plan()
        self._update()

    # --- the run ---

    def _start(self, wish: StartWish) -> None:
        plan = self.plan.plan
        self.plan.set_starting(True)
        self._leave_plan()
        spec = self._spec(wish)
        if plan is None or wish.hours.start_at is not None:
            self._launch(spec)  # it looks for memory itself when it begins
        else:
            self._services.keeper.make_room(plan.peak_bytes, lambda: self._launch(spec))

    def _spec(self, wish: StartWish) -> TrainSpec:
        # No number of steps: the run sets it after the study, when it knows how much to learn.
        settings, hours = self._settings(), wish.hours
        start = self._beginning()
        return TrainSpec(
            name=wish.name,
            model=settings.base_model,
            hours=settings.hours,
            start_at=hours.start_at,
            finish_by=hours.finish_by,
            start_from=start.name if start else None,
            start_from_id=start.id if start else "",
            passes=settings.passes,
            kind=settings.adapter_kind,
            rank=settings.rank,
            embeddings=settings.embeddings,
            low_memory=settings.low_memory,
            canaries=settings.canaries,
            learning_rate=settings.learning_rate,
            prompt=wish.prompt.strip(),
            patience=settings.patience,
        )

    def _launch(self, spec: TrainSpec) -> str:
        self._starting = self._chosen = self._services.watcher.start(spec)
        return self._starting

    def _resume(self, run_id: str) -> None:
        watcher = self._services.watcher
        run = watcher.snapshot(run_id)
        if run is None:
            return
        needed = run.status.latest.peak_bytes if run.status.latest else 0
        is_paused = run.is_active

        def go_on() -> str:
            if is_paused:
                watcher.pause(run_id, False)
            else:
                watcher.resume(run_id)
            return run_id

        self._services.keeper.make_room(needed, go_on)

    def _take_change(self, job_id: str) -> None:
        job = self._services.watcher.snapshot(job_id)
        if job is None or not isinstance(job.spec, TrainSpec):
            return
        if job_id == self._starting:
            self._end_of_start()
            self._start_from = ""  # it is for one night
            self.plan.when.clear()
        if self.isVisible() or not job.is_active:
            self._update()

    def _take_removal(self, job_id: str) -> None:
        if job_id == self._chosen:
            self._chosen = None
        self._update()

    def _take_start_failure(self, job_id: str, _: OvernightError) -> None:
        # The window says what went wrong.
        if job_id in (self._starting, self.run.run_id):
            self._end_of_start()
            self._update()

    def _end_of_start(self) -> None:
        self._starting = None
        self._wants_plan = False
        self.plan.set_starting(False)

    # --- making the page ---

    def _connect(self) -> None:
        services = self._services
        services.watcher.job_changed.connect(self._take_change)
        services.watcher.job_ended.connect(lambda _: self.refresh())
        services.watcher.job_removed.connect(self._take_removal)
        services.watcher.start_failed.connect(self._take_start_failure)
        services.planner.planned.connect(self._take_plan)
        services.planner.failed.connect(self._take_plan_error)
        self._lane.free.connect(self._ask_again)
        services.preferences.changed.connect(self._take_preferences)
        self.empty.chosen.connect(self.add_notes_wanted)
        self.plan.start_wanted.connect(self._start)
        self.plan.retry_wanted.connect(self._retry_plan)
        self.plan.cancel_wanted.connect(self._give_plan_up)
        self.plan.base_wanted.connect(self._choose_base)
        self.plan.start_chosen.connect(self._choose_start)
        self.run.stop_wanted.connect(services.watcher.stop)
        self.run.pause_wanted.connect(lambda run_id: services.watcher.pause(run_id, True))
        self.run.remove_wanted.connect(services.watcher.remove)
        self.queue.chosen.connect(self._choose)
        self.queue.remove_wanted.connect(services.watcher.remove)
        self.run.resume_wanted.connect(self._resume)
        self.run.chat_wanted.connect(self.chat_wanted)
        self.run.samples_wanted.connect(self.samples_wanted)
        self.run.seen.connect(self.run_seen)
        self.run.plan_wanted.connect(lambda: self._choose(None))
        self.history.chosen.connect(self._choose)

    def _lay_out(self) -> None:
        content = QWidget()
        layout = QVBoxLayout(content)
        layout.setContentsMargins(Space.FOUR, Space.THREE, Space.FOUR, Space.TWO)
        layout.setSpacing(Space.TWO)
        layout.addWidget(self.title)
        for part in (self.plan, self.run):
            part.hide()
            layout.addWidget(part, 1)
        layout.addWidget(self.queue)
        layout.addWidget(self.history)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidget(content)
        self._stack.addWidget(QWidget())  # until the library was looked at
        self._stack.addWidget(self.empty)
        shown = QWidget()
        column = QVBoxLayout(shown)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(scroll, 1)
        column.addWidget(self.undo_bar)
        self._stack.addWidget(shown)


def default_name(taken: frozenset[str], now: float) -> str:
    """A name for tonight's adapter that is not in use: "Notes 23 November"."""
    name = f"Notes {amounts.date(now)}"
    number = 2
    while same_among(name, taken) is not None:
        name = f"Notes {amounts.date(now)} {number}"
        number += 1
    return name


def _find(library: Library, db: sqlite3.Connection) -> _Found:
    whole = (adapter.name for adapter in list_adapters(library.adapters))
    damaged = (adapter.name for adapter in list_damaged(library.adapters))
    return _Found(
        Notes(db).totals(),
        frozenset((*whole, *damaged)),
        beginnings(library),
        Samples(db).read_by_models(),
        base_models(library),
    )
