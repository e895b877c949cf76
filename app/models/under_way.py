"""Downloads and adoptions that are under way, paused or failed."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QApplication, QProgressBar

from app.jobs import model_story
from app.jobs.model_jobs import title_of, wants_token
from app.jobs.snapshot import JobSnapshot
from app.models.rows import Row, RowList
from app.style import Space, mark
from app.text.error_text import in_window
from app.widgets.elided import Elided
from app.widgets.labels import button
from app.widgets.token_field import TokenField
from mlx_backend.jobs import JobState

_FINEST = 1_000_000  # steps of the bar: Qt counts to 2^31 at most
_CANCEL = "Ends it and removes what has come so far."


class UnderWayList(RowList):
    """One row a job. Rows stay as they are while they tell of the same job."""

    pause_wanted = Signal(str)
    go_on_wanted = Signal(str)
    cancel_wanted = Signal(str)

    token_given = Signal(str, str)
    """A job's id, and the access token with which to try again."""

    def __init__(self) -> None:
        super().__init__()
        self._rows: dict[str, JobRow] = {}
        self.hide()

    def row_of(self, job_id: str) -> JobRow:
        """The row of a job."""
        return self._rows[job_id]

    @property
    def has_focus(self) -> bool:
        """Whether the focus is in one of the rows."""
        focused = QApplication.focusWidget()
        return focused is not None and self.isAncestorOf(focused)

    def show_jobs(self, jobs: Sequence[JobSnapshot]) -> None:
        """Show these."""
        self._rows = {job.id: self._rows.get(job.id) or self._make_row(job) for job in jobs}
        for job in jobs:
            self._rows[job.id].show_job(job, title_of(job))
        self.show_rows(list(self._rows.values()))

    def _make_row(self, job: JobSnapshot) -> JobRow:
        row = JobRow()
        job_id = job.id
        row.pause.clicked.connect(lambda: self.pause_wanted.emit(job_id))
        row.go_on.clicked.connect(lambda: self.go_on_wanted.emit(job_id))
        row.cancel.clicked.connect(lambda: self.cancel_wanted.emit(job_id))
        row.token.given.connect(lambda token: self.token_given.emit(job_id, token))
        return row


class JobRow(Row):
    """What one job does, how far it is, and what can be done about it."""

    def __init__(self) -> None:
        self.title = Elided(kind="strong")
        super().__init__(self.title)
        self.pause = button("Pause")
        self.go_on = button("Continue")
        self.cancel = button("Cancel")
        self.cancel.setToolTip(_CANCEL)
        self.cancel.setAccessibleDescription(_CANCEL)
        for each in (self.pause, self.go_on, self.cancel):
            self.controls.addWidget(each)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.column.addSpacing(Space.HALF)
        self.column.addWidget(self.bar)
        self.doing = self.add_text()
        self.told = self.add_text()
        self.token = TokenField()
        self.column.addWidget(self.token)

    def show_job(self, job: JobSnapshot, title: str) -> None:
        """Show how it stands now."""
        self.title.setText(title)
        self.bar.setAccessibleName(f"Progress of {title}")
        self._show_words(job)
        self._show_bar(job)
        self._show_actions(job, title)
        self.token.setVisible(wants_token(job))

    def take_focus(self) -> None:
        """Put the focus on the first thing that can be done."""
        (self.cancel if self.pause.isHidden() else self.pause).setFocus()

    def _show_words(self, job: JobSnapshot) -> None:
        has_failed = job.state is JobState.FAILED
        self.doing.setText(model_story.doing(job))
        self.doing.show()
        if self.doing.property("kind") != ("warning" if has_failed else "quiet"):
            mark(self.doing, "warning" if has_failed else "quiet")
        notices = job.status.notices
        self.told.setText(in_window(notices[-1]) if notices and job.is_active else "")
        self.told.setVisible(bool(self.told.text()))

    def _show_bar(self, job: JobSnapshot) -> None:
        progress = job.status.progress
        done, total = (progress.done, progress.total) if progress is not None else (0, 0)
        scale = max(1, total // _FINEST)
        self.bar.setRange(0, total // scale)  # 0: the bar moves to and fro
        self.bar.setValue(done // scale)
        self.bar.setVisible(job.is_active or (total > 0 and job.state is not JobState.FAILED))

    def _show_actions(self, job: JobSnapshot, title: str) -> None:
        has_failed = job.state is JobState.FAILED
        had_focus = self.pause.hasFocus() or self.go_on.hasFocus()
        self.go_on.setVisible(job.state.can_resume)
        self.pause.setVisible(job.is_active)
        self.go_on.setText("Try Again" if has_failed else "Continue")
        self.cancel.setText("Remove" if has_failed else "Cancel")
        if had_focus:
            (self.pause if job.is_active else self.go_on).setFocus()
        for each in (self.pause, self.go_on, self.cancel):
            each.setAccessibleName(f"{each.text()} {title}")
