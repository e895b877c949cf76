"""Publishing an adapter: the button, what has to be said, how it goes, and where it is then."""

from __future__ import annotations

import functools
import sqlite3

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout, QWidget

from app.adapters.adapter_list_model import Listed
from app.adapters.publish_form import PUBLISH, Draft, PublishForm
from app.jobs import publication_story
from app.jobs.hub_token import HubToken
from app.jobs.privacy_results import LINK, page_of
from app.jobs.publications import published_by, wants_token
from app.jobs.snapshot import JobSnapshot
from app.services import Services
from app.style import Size, Space, mark, sized
from app.text.error_text import trouble
from app.widgets.copy_button import CopyButton
from app.widgets.elided import Elided
from app.widgets.labels import button, paragraph
from app.widgets.token_field import TokenField
from mlx_backend.catalogue.repository_names import repository_name_for
from mlx_backend.errors import OvernightError
from mlx_backend.jobs import JobState
from mlx_backend.library import Library
from mlx_backend.library.adapter_bases import base_of
from mlx_backend.library.adapters import Adapter, AdapterCard
from mlx_backend.library.models import read_model
from mlx_backend.protocol import PublishSpec

_FINEST = 1_000_000  # steps of the bar: Qt counts to 2^31 at most


class PublishPart(QWidget):
    """What stands below the actions of an adapter; `opener` is the button among these."""

    privacy_wanted = Signal(object)
    """Show the privacy page of this job."""

    def __init__(self, services: Services, opener: QPushButton) -> None:
        super().__init__()
        self._library = services.library
        self._background = services.background
        self._jobs = services.publications
        self._token = HubToken(services.library, self)
        self._adapter: Adapter | None = None
        self._drafts: dict[str, Draft] = {}
        self._is_open = False
        self.open = opener
        self.form = PublishForm()
        self.told = paragraph()
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Progress of publishing")
        sized(self.bar, lambda it: it.setFixedWidth(Size.SHORT_FIELD))
        self.cancel = button("Cancel", "link")
        self.cancel.setAccessibleName("Cancel publishing")
        self.privacy = button(LINK, "link")
        self.privacy.setProperty("flush", True)
        self.privacy.setAccessibleName("Privacy page of what is published")
        self.address = Elided()
        self.address.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.copy = CopyButton(self.address.text, "address of its page")
        self.visit = button("Open", "link")
        self.visit.setAccessibleName("Open its page on the Hub")
        self.token = TokenField()
        self._whereabouts = QWidget()
        self._lay_out()
        self._connect()
        self._show()

    @property
    def latest(self) -> JobSnapshot | None:
        """The last time that the adapter shown was published, or it was tried."""
        return self._jobs.latest(self._adapter) if self._adapter is not None else None

    def show_adapter(self, adapter: Listed | None) -> None:
        """Be about this one; what was typed about the one before is kept."""
        shown = adapter if isinstance(adapter, Adapter) else None
        if _id_of(shown) != _id_of(self._adapter):
            self._keep_draft()
            self._is_open = False
            self._adapter = shown
            self.form.show_licence(None)
        self._adapter = shown
        self._show()

    def open_form(self) -> None:
        """Let the person say what is to be published."""
        adapter = self._adapter
        if adapter is None or self._is_open:
            self.form.take_focus()
            return
        self._is_open = True
        self.form.show_draft(self._drafts.get(adapter.card.id) or self._first_draft(adapter))
        look = functools.partial(_base_licence, self._library, adapter.card)
        self._background.call(look, functools.partial(self._take_licence, adapter.card.id))
        self._show()
        self.form.take_focus()

    def close_form(self) -> None:
        """Show the fields no more; what was typed is kept."""
        self._keep_draft()
        self._is_open = False
        self._show()
        self.open.setFocus()

    # --- what a person does ---

    def _publish(self, draft: Draft) -> None:
        adapter = self._adapter
        if adapter is None:
            return
        self._drafts.pop(adapter.card.id, None)
        self._is_open = False
        self._jobs.start(
            PublishSpec(
                name=adapter.name,
                adapter=adapter.card.id,
                repo=draft.repository,
                private=draft.is_private,
                description=draft.description,
                licence=draft.licence,
            )
        )
        self.cancel.setFocus()

    def _cancel(self) -> None:
        job = self.latest
        if job is not None:
            self._jobs.cancel(job)

    def _visit(self) -> None:
        address = QUrl(self.address.text())
        if address.scheme() in ("http", "https"):
            QDesktopServices.openUrl(address)

    def _take_token(self, token: str) -> None:
        job = self.latest
        if job is not None:
            again = functools.partial(self._jobs.start_again, job)
            self._token.keep(token, again, self._show_token_problem)

    def _show_token_problem(self, error: OvernightError) -> None:
        self.token.show_problem(trouble(error))

    # --- what there is to see ---

    def _first_draft(self, adapter: Adapter) -> Draft:
        """What was said the last time; else a name that the Hub allows."""
        job = self.latest
        if job is None or not isinstance(job.spec, PublishSpec):
            return Draft(repository_name_for(adapter.name))
        spec, done = job.spec, published_by(job)
        if done is None:
            return Draft(spec.repo, spec.description, spec.private, spec.licence)
        repository = done.repository or spec.repo
        return Draft(repository, spec.description, done.is_private, spec.licence)

    def _keep_draft(self) -> None:
        if self._adapter is not None and self._is_open:
            self._drafts[self._adapter.card.id] = self.form.draft()

    def _take_licence(self, adapter_id: str, licence: str | None) -> None:
        if _id_of(self._adapter) == adapter_id:
            self.form.show_licence(licence)

    def _show(self) -> None:
        adapter = self._adapter
        self.open.setVisible(adapter is not None)
        self.setVisible(adapter is not None)
        if adapter is None:
            return
        job = self.latest
        is_beginning = self._jobs.is_beginning(adapter)
        is_running = is_beginning or (job is not None and job.is_active)
        is_published = self._jobs.was_published(adapter)
        self.open.setText("Publish Again…" if is_published else f"{PUBLISH}…")
        self.open.setEnabled(not is_running)
        self.form.show_action(is_published)
        self.form.setVisible(self._is_open and not is_running)
        self._show_words(None if is_beginning else job, is_beginning)
        self._show_bar(job if is_running and not is_beginning else None, is_running)
        self._show_outcome(None if is_running else job)
        self.setVisible(self._is_open or is_running or job is not None)

    def _show_words(self, job: JobSnapshot | None, is_beginning: bool) -> None:
        text = "Beginning…" if is_beginning else publication_story.doing(job) if job else ""
        self.told.setText(text)
        self.told.setVisible(bool(text))
        kind = "warning" if job is not None and job.state is JobState.FAILED else "body"
        if self.told.property("kind") != kind:
            mark(self.told, kind)

    def _show_bar(self, job: JobSnapshot | None, is_running: bool) -> None:
        progress = job.status.progress if job is not None else None
        done, total = (progress.done, progress.total) if progress is not None else (0, 0)
        scale = max(1, total // _FINEST)
        self.bar.setRange(0, total // scale)  # 0: the bar moves to and fro
        self.bar.setValue(done // scale)
        self.bar.setVisible(is_running)
        self.cancel.setVisible(is_running)
        self.cancel.setEnabled(job is None or not job.stopping)

    def _show_outcome(self, job: JobSnapshot | None) -> None:
        done = published_by(job) if job is not None else None
        self._whereabouts.setVisible(done is not None)
        if done is not None:
            self.address.setText(done.url)
        self.privacy.setVisible(job is not None and page_of(job) is not None)
        is_wanted = job is not None and wants_token(job)
        if not is_wanted:
            self.token.show_problem("")
        self.token.setVisible(is_wanted)

    def _connect(self) -> None:
        self.open.clicked.connect(self.open_form)
        self.form.wanted.connect(self._publish)
        self.form.cancelled.connect(self.close_form)
        self.cancel.clicked.connect(self._cancel)
        self.privacy.clicked.connect(lambda: self.privacy_wanted.emit(self.latest))
        self.visit.clicked.connect(self._visit)
        self.token.given.connect(self._take_token)
        self._jobs.changed.connect(self._show)

    def _lay_out(self) -> None:
        progress = QHBoxLayout()
        progress.setSpacing(Space.ONE)
        progress.addWidget(self.bar)
        progress.addWidget(self.cancel)
        progress.addWidget(self.privacy)
        progress.addStretch()
        whereabouts = QHBoxLayout(self._whereabouts)
        whereabouts.setContentsMargins(0, 0, 0, 0)
        whereabouts.setSpacing(Space.ONE)
        whereabouts.addWidget(self.address)
        whereabouts.addWidget(self.copy)
        whereabouts.addWidget(self.visit)
        whereabouts.addStretch()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(Space.ONE)
        column.addWidget(self.told)
        column.addWidget(self._whereabouts)
        column.addLayout(progress)
        for part in (self.token, self.form):
            column.addWidget(part)


def _id_of(adapter: Adapter | None) -> str:
    return adapter.card.id if adapter is not None else ""


def _base_licence(library: Library, card: AdapterCard, _: sqlite3.Connection) -> str | None:
    """The licence of an adapter's base model; None where that is not in the library."""
    base = base_of(library, card)
    try:
        return None if base is None else read_model(library.models, base).card.licence
    except OvernightError:
        return None
