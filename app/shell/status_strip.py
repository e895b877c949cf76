"""The strip below the sidebar: what is being done right now, and how long it will take.

It stands below the sidebar and not below the page, so that nothing of the page moves when the strip
comes and goes.
"""

from __future__ import annotations

import time

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QFrame, QProgressBar, QVBoxLayout

from app.jobs import model_story, new_adapter_story, run_queue
from app.jobs.model_jobs import is_of_model, title_of
from app.jobs.new_adapters import makes_adapter
from app.jobs.run_news import RunNews
from app.jobs.snapshot import JobSnapshot
from app.jobs.watcher import JobWatcher
from app.notes.import_bar import outcome
from app.style import Space
from app.text import amounts
from app.text.error_text import in_window
from app.tonight import run_figures, run_story
from app.widgets.labels import button, label, paragraph
from mlx_backend.errors import OvernightError
from mlx_backend.jobs import JobState
from mlx_backend.protocol import (
    AdoptSpec,
    DownloadSpec,
    ExportSpec,
    ImportSpec,
    MergeSpec,
    PublishSpec,
    ReceiveSpec,
    TrainSpec,
)

_FINEST = 1_000_000  # steps of the bar


class StatusStrip(QFrame):
    """Shows the running job, what came of the last one, or why other programs cannot ask.

    Otherwise it is hidden. A click leads to the page that it belongs to.
    """

    chosen = Signal(str)
    """The key of the page that what is shown belongs to."""

    chat_wanted = Signal(str)
    """Chat with the adapter of this name, which was made since somebody last looked."""

    def __init__(self, watcher: JobWatcher, news: RunNews) -> None:
        super().__init__()
        self._watcher = watcher
        self._news = news
        self._finished: JobSnapshot | None = None
        self._imported: JobSnapshot | None = None
        self._no_server: OvernightError | None = None
        self._page = "tonight"
        self.setProperty("kind", "strip")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.what = paragraph()
        # All of it leads to the job's page.
        self.what.setTextInteractionFlags(Qt.TextInteractionFlag.NoTextInteraction)
        self.what.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.detail = label(kind="small")
        self.detail.setWordWrap(True)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Progress")
        self.chat = button("Chat With It", "link")
        self.chat.setProperty("flush", True)
        self.chat.hide()
        self.chat.clicked.connect(self._chat)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(Space.TWO, Space.ONE, Space.TWO, Space.ONE)
        layout.setSpacing(Space.HALF)
        layout.addWidget(self.what)
        layout.addWidget(self.detail)
        layout.addWidget(self.bar)
        layout.addWidget(self.chat, alignment=Qt.AlignmentFlag.AlignLeft)
        watcher.job_changed.connect(lambda _: self._show())
        watcher.job_removed.connect(lambda _: self._show())
        watcher.settled.connect(self._show)
        news.changed.connect(self._show)
        self._show()

    def show_import(self, job: JobSnapshot | None) -> None:
        """Say what came of an import that nobody watched; None: somebody has seen it."""
        self._imported = job
        self._show()

    def show_no_server(self, error: OvernightError | None) -> None:
        """Say why other programs cannot ask, though they were to; None: somebody has seen it."""
        self._no_server = error
        self._show()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(
            event.position().toPoint()
        ):
            self.chosen.emit(self._page)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.chosen.emit(self._page)
        else:
            super().keyPressEvent(event)

    def _chat(self) -> None:
        run = self._finished
        if run is not None:
            self.chat_wanted.emit(run.adapter)
            self._news.mark_seen(run.id)

    def _show(self) -> None:
        active = sorted(self._watcher.active(), key=run_queue.is_queued)
        self._finished = None if active else self._news.latest()
        self.chat.setVisible(self._finished is not None)
        if active:
            self._show_running(active[0])
        elif self._imported is not None:
            self._say("notes", "Notes are added", outcome(self._imported)[0])
        elif self._finished is not None:
            self._say("tonight", f"“{self._finished.adapter}” is ready")
        elif self._no_server is not None:
            self._say("settings", "Other programs cannot ask", in_window(self._no_server.message))
        else:
            self._show_rest()
        self.detail.setVisible(bool(self.detail.text()))
        self.setVisible(bool(self.what.text()))
        self.setAccessibleName(f"{self.what.text()}. {self.detail.text()}".strip())

    def _show_running(self, job: JobSnapshot) -> None:
        stopping = "Pausing…" if is_of_model(job) else "Stopping…"
        self._say(_page_of(job), _title(job), stopping if job.stopping else describe(job))
        is_at_rest = run_queue.is_queued(job) or job.is_paused
        done, total = _share(job)
        self.bar.setRange(0, total)  # 0: the bar moves to and fro
        self.bar.setValue(done)
        self.bar.setVisible(not is_at_rest)

    def _show_rest(self) -> None:
        runs = self._watcher.runs()
        latest = runs[0] if runs else None
        if latest is not None and latest.state in (JobState.INTERRUPTED, JobState.FAILED):
            self._say("tonight", _title(latest), run_story.ending(latest))
        else:
            self._say("tonight", "")

    def _say(self, page: str, what: str, detail: str = "") -> None:
        self._page = page
        self.bar.hide()
        self.what.setText(what)
        self.detail.setText(detail)


def describe(job: JobSnapshot) -> str:
    """Where a running job is: '20 percent, about 40 minutes left'."""
    status = job.status
    if isinstance(job.spec, TrainSpec):
        if status.stage != "training" or status.latest is None or job.waiting or job.pausing:
            return _with_remaining(job, run_story.doing(job))
        left, _ = amounts.estimate(status.latest.remaining_s, status.latest.remaining_error_s)
        return f"{amounts.percent(status.step, status.steps)}, {left} left"
    if is_of_model(job):
        return _brought(job)
    if isinstance(job.spec, PublishSpec) and status.progress is not None:
        return amounts.percent(status.progress.done, status.progress.total or 1)
    if makes_adapter(job):
        return new_adapter_story.doing(job)
    if status.progress is not None and status.progress.total:
        done = amounts.part(status.progress.done, status.progress.total)
        return f"{done} {status.progress.unit}"
    if isinstance(job.spec, ExportSpec | PublishSpec):
        return "Writing and checking…"
    return "Looking for notes…"


def _brought(job: JobSnapshot) -> str:
    if job.waiting is not None:
        return model_story.doing(job)
    progress = job.status.progress
    if progress is None or not progress.total:
        return f"{model_story.stage_name(job)}…"
    done = amounts.percent(progress.done, progress.total)
    return ", ".join(filter(None, (done, model_story.remaining(progress))))


def _with_remaining(job: JobSnapshot, doing: str) -> str:
    """The same with how long the stage still takes, where that is known."""
    progress = job.status.progress
    if progress is None or progress.remaining_s is None:
        return doing
    if job.waiting or job.pausing or job.state is JobState.STARTING:
        return doing
    # There is room for one of the two, and the time is what one wants to know.
    doing = doing.removesuffix("…").removesuffix(f", {amounts.regional(progress.text)}")
    left = run_figures.stage_remaining_s(progress, time.time())
    return f"{doing}, {amounts.duration(left)} left" if left else f"{doing}…"


def _title(job: JobSnapshot) -> str:
    match job.spec:
        case TrainSpec(name=name):
            return f"Training “{name}”"
        case ExportSpec(name=name):
            return f"Exporting “{name}”"
        case PublishSpec(name=name):
            return f"Publishing “{name}”"
        case DownloadSpec():
            return f"Downloading “{title_of(job)}”"
        case AdoptSpec():
            return f"Adding “{title_of(job)}”"
        case ReceiveSpec() | MergeSpec():
            return new_adapter_story.title(job)
    return "Adding notes"


def _page_of(job: JobSnapshot) -> str:
    match job.spec:
        case ImportSpec():
            return "notes"
        case ExportSpec() | PublishSpec() | ReceiveSpec() | MergeSpec():
            return "adapters"
        case DownloadSpec() | AdoptSpec():
            return "models"
    return "tonight"


def _share(job: JobSnapshot) -> tuple[int, int]:
    status = job.status
    if status.stage == "training" and status.steps:
        return status.step, status.steps
    if status.progress is not None:
        done, total = status.progress.done, status.progress.total
        scale = max(1, total // _FINEST)  # a bar of Qt counts to 2^31 at most
        return done // scale, total // scale
    return 0, 0
