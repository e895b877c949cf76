"""One run: what it is doing or what came of it, its curves and numbers, and the next step."""

from __future__ import annotations

import time

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QSizePolicy, QVBoxLayout, QWidget

from app import run_story
from app.job_snapshot import JobSnapshot
from app.reveal import open_path
from app.run_story import Fact
from app.style import Size, Space, Style
from app.widgets.loss_chart import LossChart
from app.widgets.text import button, label, paragraph
from mlx_backend.jobs import JobState

_SECOND_MS = 1000


class RunView(QWidget):
    """Shows a run as it is; the person's wishes leave as signals with the run's id."""

    stop_wanted = Signal(str)
    resume_wanted = Signal(str)
    chat_wanted = Signal(str)
    """Chat with the adapter of this name."""

    plan_wanted = Signal()
    """Show the plan for another run."""

    def __init__(self, style: Style) -> None:
        super().__init__()
        self._run: JobSnapshot | None = None
        self.title = paragraph(kind="heading")
        self.sentence = paragraph()
        self.notice = paragraph(kind="quiet")
        self.bar = QProgressBar()
        self.chart = LossChart(style)
        self.facts = FactRow()
        self.stop = button("Stop")
        self.resume = button("Continue", "primary")
        self.chat = button("Chat With It", "primary")
        self.another = button("Plan another night", "link")
        self.log = button("Show the log", "link")
        self._clock = QTimer(self, interval=_SECOND_MS)
        self._clock.timeout.connect(self._show_facts)
        self._lay_out()
        self._connect()

    @property
    def run_id(self) -> str | None:
        """The run on show."""
        return self._run.id if self._run else None

    def show_run(self, run: JobSnapshot) -> None:
        """Show a run's present state."""
        self._run = run
        self.title.setText(run_story.name_of(run))
        self.sentence.setText(run_story.doing(run) if run.is_active else run_story.outcome(run))
        self.notice.setText(run_story.notice(run))
        self.notice.setVisible(bool(self.notice.text()))
        self._show_bar(run)
        self.chart.show_curves(run.training, run.held_out, run.status.steps)
        self._show_facts()
        self.stop.setVisible(run.is_active)
        self.stop.setEnabled(not run.stopping)
        self.stop.setText("Stopping…" if run.stopping else "Stop")
        self.resume.setVisible(run.state.can_resume)
        self.resume.setEnabled(True)
        self.chat.setVisible(run.state is JobState.FINISHED)
        self.another.setVisible(not run.is_active)
        self.log.setVisible(run.state in (JobState.FAILED, JobState.INTERRUPTED))

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._clock.start()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._clock.stop()

    def _show_bar(self, run: JobSnapshot) -> None:
        self.bar.setVisible(run.is_active)
        progress = run.status.progress
        if progress is not None and progress.total:
            self.bar.setRange(0, progress.total)
            self.bar.setValue(progress.done)
        elif run.status.stage == "training" and run.status.steps:
            self.bar.setRange(0, run.status.steps)
            self.bar.setValue(run.status.step)
        else:
            self.bar.setRange(0, 0)

    def _show_facts(self) -> None:
        if self._run is not None:
            self.facts.show_facts(run_story.facts(self._run, time.time()))

    def _resume(self) -> None:
        if self._run is not None:
            self.resume.setEnabled(False)
            self.resume_wanted.emit(self._run.id)

    def _stop(self) -> None:
        if self._run is not None:
            self.stop.setEnabled(False)
            self.stop.setText("Stopping…")
            self.stop_wanted.emit(self._run.id)

    def _chat(self) -> None:
        if self._run is not None:
            self.chat_wanted.emit(run_story.adapter_of(self._run))

    def _show_log(self) -> None:
        if self._run is not None:
            open_path(self._run.folder.log_path)

    def _connect(self) -> None:
        self.stop.clicked.connect(self._stop)
        self.resume.clicked.connect(self._resume)
        self.chat.clicked.connect(self._chat)
        self.another.clicked.connect(self.plan_wanted)
        self.log.clicked.connect(self._show_log)

    def _lay_out(self) -> None:
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Progress of the run")
        self.sentence.setMaximumWidth(Size.READING)
        buttons = QHBoxLayout()
        buttons.setSpacing(Space.ONE)
        for each in (self.chat, self.resume, self.stop, self.another, self.log):
            buttons.addWidget(each)
        buttons.addStretch()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(Space.ONE)
        layout.addWidget(self.title)
        layout.addWidget(self.sentence)
        layout.addWidget(self.notice)
        layout.addSpacing(Space.ONE)
        layout.addLayout(buttons)
        layout.addSpacing(Space.ONE)
        layout.addWidget(self.bar)
        layout.addWidget(self.facts)
        layout.addSpacing(Space.ONE)
        layout.addWidget(self.chart, 1)


class FactRow(QWidget):
    """Numbers side by side, each above its meaning."""

    def __init__(self) -> None:
        super().__init__()
        self._layout = QHBoxLayout(self)
        self._layout.setContentsMargins(0, Space.ONE, 0, 0)
        self._layout.setSpacing(Space.THREE)
        self._layout.addStretch()
        # In a narrow window the last ones, which matter least, are cut off.
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._cells: list[_Cell] = []

    def accessible_text(self) -> str:
        """All that is shown, in words."""
        return "; ".join(cell.accessibleName() for cell in self._cells if not cell.isHidden())

    def show_facts(self, facts: list[Fact]) -> None:
        """Show these, reusing the labels there are."""
        while len(self._cells) < len(facts):
            cell = _Cell()
            self._layout.insertWidget(len(self._cells), cell)
            self._cells.append(cell)
        for index, cell in enumerate(self._cells):
            cell.setVisible(index < len(facts))
            if index < len(facts):
                cell.show_fact(facts[index])


class _Cell(QWidget):
    def __init__(self) -> None:
        super().__init__()
        self._value = label(kind="large")
        self._meaning = label(kind="small")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._value)
        layout.addWidget(self._meaning)

    def show_fact(self, fact: Fact) -> None:
        self._value.setText(fact.value)
        self._meaning.setText(fact.meaning)
        self.setAccessibleName(f"{fact.value} {fact.meaning}")
