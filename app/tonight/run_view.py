"""One run: what it is doing or what came of it, its curves and numbers, and the next step."""

from __future__ import annotations

import time

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QProgressBar, QVBoxLayout, QWidget

from app.jobs import run_queue
from app.jobs.snapshot import JobSnapshot
from app.style import Size, Space, Style, sized
from app.text import amounts
from app.tonight import report_story, run_figures, run_story
from app.tonight.answers_over_time import SpokenList
from app.tonight.figure_row import FigureRow
from app.tonight.loss_chart import LossChart
from app.tonight.report_view import ReportView
from app.widgets.fold import Fold
from app.widgets.labels import button, paragraph
from app.widgets.reveal import open_path
from mlx_backend.jobs import JobState
from mlx_backend.protocol import RunReport, TrainSpec

_SECOND_MS = 1000
_STUDY = (
    "First it writes questions and answers about your notes, and keeps those that the notes"
    " support. Then the model learns them. You can read them while they are written."
)


class RunView(QWidget):
    """Shows a run as it is; the person's wishes leave as signals with the run's id."""

    stop_wanted = Signal(str)
    pause_wanted = Signal(str)
    resume_wanted = Signal(str)
    """Continue a run that is paused, or that ended early."""

    remove_wanted = Signal(str)
    """Take a run that has not begun out of the queue."""

    chat_wanted = Signal(str)
    """Chat with the adapter of this name."""

    samples_wanted = Signal()
    """Show what study wrote."""

    seen = Signal(str)
    """The run of this id was on show, and now something else is."""

    plan_wanted = Signal()
    """Show the plan for another run."""

    def __init__(self, style: Style) -> None:
        super().__init__()
        self._run: JobSnapshot | None = None
        self._report: RunReport | None = None
        self.title = paragraph(kind="heading")
        self.sentence = paragraph()
        self.notice = paragraph(kind="quiet")
        self.report = ReportView()
        self.bar = QProgressBar()
        self.chart = LossChart(style)
        self.figures = FigureRow()
        self.numbers = FigureRow()
        self.details = Fold("Details", self.numbers)
        self.spoken = SpokenList()
        self.study = paragraph(_STUDY, kind="quiet")
        self.samples = button("Read the Samples", "link")
        self.samples.setProperty("flush", True)
        self._room = QWidget()
        self.pause = button("Pause")
        self.stop = button("Stop")
        self.resume = button("Continue", "primary")
        self.chat = button("Chat With It", "primary")
        self.another = button("Plan another night", "link")
        self.log = button("Show the log", "link")
        self._clock = QTimer(self, interval=_SECOND_MS)
        self._clock.timeout.connect(self._show_facts)
        self._picture = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._lay_out()
        self._connect()

    @property
    def run_id(self) -> str | None:
        """The run on show."""
        return self._run.id if self._run else None

    def show_run(self, run: JobSnapshot) -> None:
        """Show a run's present state."""
        self._run = run
        self._report = _report_of(run)
        self._show_words(run)
        self.notice.setText(run_story.notice(run))
        self.notice.setVisible(bool(self.notice.text()))
        self._show_bar(run)
        self._show_picture(run)
        self.chart.show_night(run.night, run.status.steps)
        self._show_facts()
        self._show_buttons(run)

    @property
    def has_report(self) -> bool:
        """Whether what is on show is the report of a finished run."""
        return self._report is not None

    def _show_words(self, run: JobSnapshot) -> None:
        self.report.setVisible(self._report is not None)
        name = run.name
        if self._report is not None:
            self.title.setText(amounts.regional(self._report.judgement.verdict))
            self.sentence.setText(report_story.when(run, run.adapter))
            self.report.show_report(self._report, run)
        else:
            self.title.setText(name)
            self.sentence.setText(run_story.doing(run) if run.is_active else run_story.outcome(run))

    def _show_picture(self, run: JobSnapshot) -> None:
        has_begun = bool(len(run.night.training))
        is_studying = run_story.is_studying(run) and not has_begun
        self.study.setVisible(is_studying)
        self.samples.setVisible(is_studying)
        is_wanted = self._report is None or self.report.details.button.isChecked()
        may_begin = run.is_active and not (is_studying or run_queue.is_queued(run))
        has_picture = has_begun or may_begin
        self.chart.setVisible(is_wanted and has_picture)
        self._room.setVisible(self._report is None and not has_picture)
        prompt = run.spec.prompt if isinstance(run.spec, TrainSpec) else ""
        self.spoken.show_spoken(prompt if is_wanted else "", run.night.spoken)

    def _show_buttons(self, run: JobSnapshot) -> None:
        is_queued = run_queue.is_queued(run)
        self.pause.setVisible(run.is_active and not run.is_paused and not is_queued)
        self.pause.setEnabled(run.state is JobState.RUNNING and not (run.stopping or run.pausing))
        self.pause.setText("Pausing…" if run.pausing else "Pause")
        self.stop.setVisible(run.is_active)
        self.stop.setEnabled(not run.stopping)
        if is_queued:
            self.stop.setText("Removing…" if run.stopping else "Remove")
        else:
            self.stop.setText("Stopping…" if run.stopping else "Stop")
        self.resume.setVisible(run.state.can_resume or (run.is_paused and not run.stopping))
        self.resume.setEnabled(not run.is_paused or run.wishes.pause)
        self.chat.setVisible(run.state is JobState.FINISHED)
        self.another.setText("Plan the next run" if run.is_active else "Plan another night")
        self.log.setVisible(run.state in (JobState.FAILED, JobState.INTERRUPTED))

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._clock.start()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._stand()

    def _stand(self) -> None:
        is_wide = self.width() >= Size.WIDE
        directions = QBoxLayout.Direction
        self._picture.setDirection(directions.LeftToRight if is_wide else directions.TopToBottom)
        self.spoken.stand(beside=is_wide)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._clock.stop()
        if self._run is not None and not event.spontaneous():
            self.seen.emit(self._run.id)

    def _show_bar(self, run: JobSnapshot) -> None:
        # Before it has begun, a bar would only suggest that it has.
        self.bar.setVisible(run.is_active and not (run.waiting and not run.status.step))
        progress = run.status.progress
        if progress is not None and progress.total:
            self.bar.setRange(0, progress.total)
            self.bar.setValue(progress.done)
        elif run.status.stage == "training" and run.status.steps:
            self.bar.setRange(0, run.status.steps)
            self.bar.setValue(run.status.step)
        elif run.waiting is not None:
            self.bar.setRange(0, max(1, run.status.steps))
            self.bar.setValue(run.status.step)
        else:
            self.bar.setRange(0, 0)

    def _show_facts(self) -> None:
        if self._run is not None:
            figures = run_figures.figures(self._run, time.time())
            self.figures.show_figures(figures)
            has_room = self._report is None and not run_queue.is_queued(self._run)
            self.figures.setVisible(bool(figures) and has_room)
            numbers = run_figures.details(self._run)
            self.numbers.show_figures(numbers)
            self.details.setVisible(bool(numbers) and has_room)

    def _show_details(self) -> None:
        if self._run is not None:
            self._show_picture(self._run)

    def _resume(self) -> None:
        if self._run is not None:
            self.resume.setEnabled(False)
            self.resume_wanted.emit(self._run.id)

    def _stop(self) -> None:
        if self._run is None:
            return
        self.stop.setEnabled(False)
        if run_queue.is_queued(self._run):
            self.stop.setText("Removing…")
            self.remove_wanted.emit(self._run.id)
        else:
            self.stop.setText("Stopping…")
            self.stop_wanted.emit(self._run.id)

    def _pause(self) -> None:
        if self._run is not None:
            self.pause.setEnabled(False)
            self.pause.setText("Pausing…")
            self.pause_wanted.emit(self._run.id)

    def _chat(self) -> None:
        if self._run is not None:
            self.chat_wanted.emit(self._run.adapter)

    def _show_log(self) -> None:
        if self._run is not None:
            open_path(self._run.folder.log_path)

    def _connect(self) -> None:
        self.stop.clicked.connect(self._stop)
        self.pause.clicked.connect(self._pause)
        self.resume.clicked.connect(self._resume)
        self.chat.clicked.connect(self._chat)
        self.another.clicked.connect(self.plan_wanted)
        self.samples.clicked.connect(self.samples_wanted)
        self.report.samples_wanted.connect(self.samples_wanted)
        self.report.details_wanted.connect(lambda _: self._show_details())
        self.log.clicked.connect(self._show_log)

    def _lay_out(self) -> None:
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Progress of the run")
        sized(self.sentence, lambda it: it.setMaximumWidth(Size.READING))
        sized(self.study, lambda it: it.setMaximumWidth(Size.READING))
        buttons = QHBoxLayout()
        buttons.setSpacing(Space.ONE)
        for each in (self.chat, self.resume, self.pause, self.stop, self.another, self.log):
            buttons.addWidget(each)
        buttons.addStretch()
        self._picture.setSpacing(Space.THREE)
        self._picture.addWidget(self.chart, 1)
        self._picture.addWidget(self.spoken)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(Space.ONE)
        layout.addWidget(self.title)
        layout.addWidget(self.sentence)
        layout.addWidget(self.notice)
        layout.addSpacing(Space.ONE)
        layout.addLayout(buttons)
        layout.addSpacing(Space.ONE)
        layout.addWidget(self.report)
        layout.addWidget(self.bar)
        layout.addWidget(self.figures)
        layout.addWidget(self.details)
        layout.addSpacing(Space.ONE)
        layout.addWidget(self.study)
        layout.addWidget(self.samples, alignment=Qt.AlignmentFlag.AlignLeft)
        layout.addLayout(self._picture, 1)
        layout.addWidget(self._room, 1)
        sized(self, RunView._stand)


def _report_of(run: JobSnapshot) -> RunReport | None:
    """What a finished run reports; None for one of a version that gave no verdict."""
    if run.state is not JobState.FINISHED:
        return None
    return run.report if run.report.judgement.verdict else None
