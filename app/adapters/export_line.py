"""How the last export of an adapter goes, or what came of it."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QVBoxLayout, QWidget

from app.adapters.adapter_list_model import Listed
from app.adapters.file_handle import FileHandle
from app.jobs.exports import Exports
from app.jobs.privacy_results import LINK, found_in_it, is_held_back, page_of
from app.jobs.snapshot import JobSnapshot
from app.style import Size, Space, sized
from app.text import amounts
from app.text.error_text import trouble
from app.widgets.labels import button, paragraph
from app.widgets.reveal import SHOW, reveal
from mlx_backend.jobs import JobState
from mlx_backend.library.adapters import Adapter
from mlx_backend.protocol import ExportSpec


class ExportLine(QWidget):
    """A sentence; progress with Cancel while the export runs, and then the way to its files."""

    privacy_wanted = Signal(object)
    """Show the privacy page of this job."""

    def __init__(self, exports: Exports) -> None:
        super().__init__()
        self._exports = exports
        self._adapter: Listed | None = None
        self.text = paragraph()
        self.bar = QProgressBar()
        self.bar.setRange(0, 0)
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Progress of the export")
        sized(self.bar, lambda it: it.setFixedWidth(Size.FIELD))
        self.cancel = button("Cancel", "link")
        self.show_folder = button(SHOW, "link")
        self.file = FileHandle()
        self.privacy = button(LINK, "link")
        self.privacy.setAccessibleName("Privacy page of the export")
        row = QHBoxLayout()
        row.setSpacing(Space.ONE)
        row.addWidget(self.text, 1)
        row.addWidget(self.bar)
        row.addWidget(self.cancel)
        way = QHBoxLayout()
        way.setSpacing(Space.ONE)
        way.addWidget(self.file)
        way.addWidget(self.show_folder)
        way.addWidget(self.privacy)
        way.addStretch()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(Space.ONE)
        layout.addLayout(row)
        layout.addLayout(way)
        self.cancel.clicked.connect(self._cancel)
        self.show_folder.clicked.connect(self._show_folder)
        self.privacy.clicked.connect(lambda: self.privacy_wanted.emit(self._latest()))
        exports.changed.connect(self._show)
        self._show()

    @property
    def is_running(self) -> bool:
        """Whether the adapter is being exported."""
        job = self._latest()
        return job is not None and job.is_active

    def show_adapter(self, adapter: Listed | None) -> None:
        """Tell of this adapter's exports."""
        self._adapter = adapter
        self._show()

    def _latest(self) -> JobSnapshot | None:
        adapter = self._adapter
        return self._exports.latest(adapter) if isinstance(adapter, Adapter) else None

    def _cancel(self) -> None:
        job = self._latest()
        if job is not None:
            self._exports.cancel(job)

    def _show_folder(self) -> None:
        job = self._latest()
        if job is not None and isinstance(job.spec, ExportSpec):
            reveal(Path(job.spec.to))

    def _show(self) -> None:
        job = self._latest()
        running = job is not None and job.is_active
        done = job is not None and job.state is JobState.FINISHED and not is_held_back(job)
        spec = job.spec if job is not None else None
        is_file = isinstance(spec, ExportSpec) and spec.format == "bundle"
        if isinstance(spec, ExportSpec) and is_file:
            self.file.show_file(Path(spec.to))
        self.text.setText(export_sentence(job) if job is not None else "")
        self.bar.setVisible(running)
        self.cancel.setVisible(running)
        self.show_folder.setVisible(done)
        self.file.setVisible(done and is_file)
        self.privacy.setVisible(job is not None and page_of(job) is not None)
        self.setVisible(job is not None)


def export_sentence(job: JobSnapshot) -> str:
    """The progress or the outcome of an export."""
    if job.is_active:
        if job.stopping:
            return "Stopping…"
        if job.waiting is not None:
            return amounts.regional(job.waiting.text)
        return "Exporting, then checking what was written…"
    if job.state is JobState.FINISHED:
        return _outcome(job)
    if job.state is JobState.FAILED and job.status.error is not None:
        return f"The export failed. {trouble(job.status.error.to_error())}"
    return "The export was stopped; nothing was written."


def _outcome(job: JobSnapshot) -> str:
    if is_held_back(job):
        return "Not exported yet, because of what its privacy page says."
    verified = job.status.result.get("verified") is True
    said = (
        "Exported. Verified: the export answers like the original."
        if verified
        else "Exported, but not verified."
    )
    page = page_of(job)
    return f"{said} {found_in_it(page)}" if page is not None else said
