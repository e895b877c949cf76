"""One adapter and, in its place, its privacy page; what leads from one to the other."""

from __future__ import annotations

import functools
import sqlite3
from array import array

import shiboken6
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QApplication, QStackedWidget, QWidget

from app.adapters.adapter_list_model import Listed
from app.adapters.detail import AdapterDetail
from app.adapters.privacy_view import EXPORT_ANYWAY, PUBLISH_ANYWAY, PrivacyView
from app.adapters.publish_part import PublishPart
from app.jobs.privacy_results import is_held_back, page_of
from app.jobs.snapshot import JobSnapshot
from app.notes.undo_steps import decided
from app.services import Services
from app.widgets.page_scroll import PageScroll
from app.widgets.tab_order import follow_layout
from mlx_backend.errors import OvernightError
from mlx_backend.library.adapters import Adapter
from mlx_backend.library.note_decisions import NoteDecision, NoteDecisions
from mlx_backend.protocol import ExportSpec, PublishSpec

_LEFT_OUT_BEFORE = "Training leaves these notes out already."


class SharingPages(QStackedWidget):
    """Shows the detail of an adapter, or the privacy page of what was exported or published."""

    training_wanted = Signal()
    """Go where training starts."""

    notes_decided = Signal()
    """Notes were left out, or brought back."""

    def __init__(self, services: Services, detail: AdapterDetail, front: QWidget) -> None:
        """`front` holds the detail, or what stands in its place."""
        super().__init__()
        self._background = services.background
        self._history = services.history
        self._jobs = services.publications
        self._exports = services.exports
        self._shown = ""  # the id of the adapter
        self._job: JobSnapshot | None = None
        self._came_from: QWidget | None = None
        self.publishing = PublishPart(services, detail.publish)
        self.privacy = PrivacyView()
        detail.below_export.addWidget(self.publishing)
        follow_layout(detail)
        self._scrolls = [PageScroll(front), PageScroll(self.privacy)]
        for scroll in self._scrolls:
            self.addWidget(scroll)
        detail.adapter_shown.connect(self._take_adapter)
        detail.privacy_wanted.connect(self.show_privacy)
        self.publishing.privacy_wanted.connect(self.show_privacy)
        self.privacy.left.connect(self.show_detail)
        self.privacy.leave_out_wanted.connect(self._leave_out)
        self.privacy.publish_wanted.connect(self._publish_anyway)
        services.publications.ended.connect(self._take_end)

    @property
    def shows_privacy(self) -> bool:
        """Whether the privacy page is in front."""
        return self.currentIndex() == 1

    def show_privacy(self, job: JobSnapshot) -> None:
        """Show the privacy page of a job, if it has one."""
        page = page_of(job)
        if page is None:
            return
        self._job = job
        self._came_from = QApplication.focusWidget()
        anyway = EXPORT_ANYWAY if isinstance(job.spec, ExportSpec) else PUBLISH_ANYWAY
        may_anyway = is_held_back(job) and page.may_leave_anyway
        self.privacy.show_page(page, anyway if may_anyway else "")
        self._scrolls[1].verticalScrollBar().setValue(0)
        self.setCurrentIndex(1)
        self.privacy.take_focus()

    def show_detail(self) -> None:
        """Go back to the adapter."""
        self.setCurrentIndex(0)
        before, self._came_from = self._came_from, None
        if before is not None and shiboken6.isValid(before) and before.isVisible():
            before.setFocus()

    def _take_adapter(self, adapter: Listed | None) -> None:
        self.publishing.show_adapter(adapter)
        shown = adapter.card.id if isinstance(adapter, Adapter) else ""
        if shown != self._shown:
            self._shown = shown
            self.setCurrentIndex(0)

    def _take_end(self, job_id: str) -> None:
        """Show why something was held back, to the person who waits for it."""
        job = self._jobs.job(job_id)
        if job is not None and is_held_back(job) and self._is_of_shown(job) and self.isVisible():
            self.show_privacy(job)

    def _is_of_shown(self, job: JobSnapshot) -> bool:
        spec = job.spec
        return isinstance(spec, PublishSpec) and spec.adapter == self._shown != ""

    def _publish_anyway(self) -> None:
        if self._job is not None and is_held_back(self._job):
            is_export = isinstance(self._job.spec, ExportSpec)
            (self._exports if is_export else self._jobs).start_despite(self._job)
            self.show_detail()

    def _leave_out(self, notes: tuple[int, ...]) -> None:
        self.privacy.leave_out.setEnabled(False)
        self._background.call(
            functools.partial(_left_out, notes),
            functools.partial(self._take_left_out, notes),
            self._take_failure,
        )

    def _take_failure(self, error: OvernightError) -> None:
        self.privacy.leave_out.setEnabled(True)
        self._background.failed.emit(error)

    def _take_left_out(self, notes: tuple[int, ...], decision: NoteDecision) -> None:
        self.setCurrentIndex(0)
        self.training_wanted.emit()  # first, so that the undo bar of that page offers it
        if decision.notes:
            self._history.add(decided(array("q", notes), False, decision, self._tell_decided))
            self._tell_decided()
        else:
            self._history.said.emit(_LEFT_OUT_BEFORE, False)

    def _tell_decided(self, _: bool = True) -> None:
        self.notes_decided.emit()


def _left_out(notes: tuple[int, ...], db: sqlite3.Connection) -> NoteDecision:
    return NoteDecisions(db).decide(notes, False)
