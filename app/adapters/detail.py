"""One adapter: what it learned, how well, and what can be done with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QProgressBar, QVBoxLayout, QWidget

from app.adapters.adapter_list_model import Listed
from app.jobs.exports import Exports
from app.jobs.privacy_results import LINK, found_in_it, page_of
from app.jobs.snapshot import JobSnapshot
from app.library.base_models import called
from app.library.missing_bases import MissingBase, cannot_answer, way_back
from app.style import Size, Space, sized
from app.text import amounts
from app.text.error_text import trouble
from app.widgets.deletable_list import PressedOnce
from app.widgets.elided import Elided
from app.widgets.flow_layout import FlowLayout
from app.widgets.fold import Fold
from app.widgets.labels import button, hairline, paragraph
from app.widgets.named_values import NamedValues
from app.widgets.reveal import SHOW, reveal
from mlx_backend.jobs import JobState
from mlx_backend.library.adapters import Adapter, AdapterCard
from mlx_backend.protocol import ExportSpec

_DAMAGED = (
    "This adapter is damaged: parts of it are missing or cannot be read. Delete it and train it"
    " again; your notes are all there."
)


class AdapterDetail(QWidget):
    """Shows an adapter's card and its export."""

    chat_wanted = Signal(str)
    delete_wanted = Signal(str)

    base_wanted = Signal(object)
    """Bring this MissingBase back."""

    adapter_shown = Signal(object)
    """Another one is shown, or the same anew; None: nothing."""

    privacy_wanted = Signal(object)
    """Show the privacy page of this job."""

    def __init__(self, exports: Exports) -> None:
        super().__init__()
        self._exports = exports
        self._adapter: Listed | None = None
        self._missing: MissingBase | None = None
        self.title = Elided(kind="title")
        self.learned = paragraph(kind="large")
        self.result = paragraph()
        self.missing = paragraph(kind="warning")
        self.bring_back = button("Restore It")
        self.figures = NamedValues()
        self.details = NamedValues()
        self._fold = Fold("Details", self.details)
        self.export_text = paragraph()
        self.export_bar = QProgressBar()
        self.export_bar.setRange(0, 0)
        self.export_bar.setTextVisible(False)
        sized(self.export_bar, lambda it: it.setFixedWidth(Size.FIELD))
        self.export_cancel = button("Cancel", "link")
        self.export_show = button(SHOW, "link")
        self.export_privacy = button(LINK, "link")
        self.export_privacy.setProperty("flush", True)
        self.export_privacy.setAccessibleName("Privacy page of the export")
        self.below_export = QVBoxLayout()
        self.chat = button("Chat", "primary")
        self.export = button("Export…")
        self.publish = button("Publish…")
        self.delete = button("Delete")
        self._lay_out()
        self.chat.clicked.connect(lambda: self._with_name(self.chat_wanted.emit))
        PressedOnce(self.delete)
        self.delete.clicked.connect(lambda: self._with_name(self.delete_wanted.emit))
        self.bring_back.clicked.connect(lambda: self.base_wanted.emit(self._missing))
        self.export.clicked.connect(self._choose_folder)
        self.export_cancel.clicked.connect(self._cancel_export)
        self.export_show.clicked.connect(self._show_export_folder)
        self.export_privacy.clicked.connect(lambda: self.privacy_wanted.emit(self._latest_export()))
        exports.changed.connect(self._show_export)
        self.hide()

    def show_adapter(self, adapter: Listed | None, missing: MissingBase | None = None) -> None:
        """Show this one, or nothing. missing: its base model, where that is gone."""
        self._adapter = adapter
        self._show_missing(missing)
        self.setVisible(adapter is not None)
        self.adapter_shown.emit(adapter)
        if adapter is None:
            return
        self.title.setText(adapter.name)
        is_whole = isinstance(adapter, Adapter)
        for part in (self.learned, self.chat, self.export, self.figures, self._fold):
            part.setVisible(is_whole)
        if isinstance(adapter, Adapter):
            self._show_card(adapter)
        else:
            self.result.setText(_DAMAGED)
        self._show_export()

    def _show_missing(self, missing: MissingBase | None) -> None:
        self._missing = missing
        name = self._adapter.name if self._adapter is not None else ""
        for each in (self.missing, self.bring_back):
            each.setVisible(missing is not None)
        if missing is not None:
            self.missing.setText(cannot_answer(name, missing))
            self.bring_back.setText(way_back(missing))
        self.chat.setEnabled(missing is None)

    def _show_card(self, adapter: Adapter) -> None:
        card = adapter.card
        self.learned.setText(f"Learned from {amounts.count(card.notes, 'note')}.")
        self.result.setText(result_sentence(card))
        self.figures.show_figures(_figures(adapter))
        self.details.show_figures(_details(card))

    def start_export(self, to: Path) -> None:
        """Export the adapter shown to the folder `to`."""
        if isinstance(self._adapter, Adapter):
            self._exports.start(self._adapter, to)

    def _lay_out(self) -> None:
        others = QWidget()
        flow = FlowLayout(others, Space.ONE)
        for action in (self.chat, self.export, self.publish, self._reveal_button()):
            flow.addWidget(action)
        actions = QHBoxLayout()
        actions.setSpacing(Space.ONE)
        actions.addWidget(others, 1)
        actions.addWidget(self.delete, alignment=Qt.AlignmentFlag.AlignTop)
        export = QHBoxLayout()
        export.setSpacing(Space.ONE)
        export.addWidget(self.export_text, 1)
        for part in (self.export_bar, self.export_cancel, self.export_show):
            export.addWidget(part)
        self.below_export.setSpacing(Space.TWO)
        left = Qt.AlignmentFlag.AlignLeft
        self.below_export.addWidget(self.export_privacy, alignment=left)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(Space.FOUR, Space.THREE, Space.FOUR, Space.TWO)
        layout.setSpacing(Space.TWO)
        layout.addWidget(self.title)
        layout.addWidget(self.learned)
        layout.addWidget(self.result)
        layout.addWidget(self.missing)
        layout.addWidget(self.bring_back, alignment=left)
        layout.addLayout(actions)
        layout.addLayout(export)
        layout.addLayout(self.below_export)
        layout.addWidget(hairline())
        layout.addWidget(self.figures)
        layout.addWidget(self._fold)
        layout.addStretch()

    def _reveal_button(self) -> QWidget:
        show = button(SHOW)
        show.clicked.connect(lambda: reveal(self._adapter.path) if self._adapter else None)
        return show

    def _with_name(self, act: Callable[[str], None]) -> None:
        if self._adapter is not None:
            act(self._adapter.name)

    def _choose_folder(self) -> None:
        if self._adapter is None:
            return
        dialog = QFileDialog(self, f"Export “{self._adapter.name}”")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setLabelText(QFileDialog.DialogLabel.Accept, "Export")
        dialog.setDirectory(str(Path.home()))
        dialog.selectFile(f"{self._adapter.name} (MLX)")
        dialog.fileSelected.connect(lambda chosen: self.start_export(Path(chosen)))
        dialog.open()

    def _latest_export(self) -> JobSnapshot | None:
        adapter = self._adapter
        return self._exports.latest(adapter) if isinstance(adapter, Adapter) else None

    def _cancel_export(self) -> None:
        job = self._latest_export()
        if job is not None:
            self._exports.cancel(job)

    def _show_export_folder(self) -> None:
        job = self._latest_export()
        if job is not None and isinstance(job.spec, ExportSpec):
            reveal(Path(job.spec.to))

    def _show_export(self) -> None:
        job = self._latest_export()
        running = job is not None and job.is_active
        done = job is not None and job.state is JobState.FINISHED
        self.export_text.setText(export_sentence(job) if job is not None else "")
        self.export_text.setVisible(job is not None)
        self.export_bar.setVisible(running)
        self.export_cancel.setVisible(running)
        self.export_show.setVisible(done)
        self.export_privacy.setVisible(job is not None and page_of(job) is not None)
        self.export.setEnabled(not running)


def result_sentence(card: AdapterCard) -> str:
    """What the training reached, measured on questions that it did not see.

    It was trained on the facts that they ask for, in other wordings.
    """
    before, after = card.base_valid_loss, card.valid_loss
    if before is None or after is None or before <= 0:
        return "No questions were set aside to measure what it learned."
    if (before - after) / before < _NOTHING:
        return "It comes no closer than before to the right answers of questions set aside."
    return "It comes closer than before to the right answers of questions set aside."


_NOTHING = 0.01  # what is gained is at least one part in a hundred


def export_sentence(job: JobSnapshot) -> str:
    """The progress or the outcome of an export."""
    if job.is_active:
        return "Stopping…" if job.stopping else "Exporting, then checking what was written…"
    if job.state is JobState.FINISHED:
        verified = job.status.result.get("verified") is True
        said = (
            "Exported. Verified: the export answers like the original."
            if verified
            else "Exported, but not verified."
        )
        page = page_of(job)
        return f"{said} {found_in_it(page)}" if page is not None else said
    if job.state is JobState.FAILED and job.status.error is not None:
        return f"The export failed. {trouble(job.status.error.to_error())}"
    return "The export was stopped; nothing was written."


def _figures(adapter: Adapter) -> list[tuple[str, str]]:
    return [
        ("Made", amounts.day(adapter.card.created)),
        ("Base model", called(adapter.card.base)),
        ("Size", amounts.size(adapter.bytes)),
    ]


def _details(card: AdapterCard) -> list[tuple[str, str]]:
    """Numbers for people who know how training works."""
    figures = [
        ("Training examples", amounts.number(card.samples)),
        ("Steps", amounts.number(card.steps)),
    ]
    if card.base_valid_loss is not None and card.valid_loss is not None:
        before, after = (amounts.number(n, 2) for n in (card.base_valid_loss, card.valid_loss))
        figures.append(("Held-out loss", f"{before} → {after} (lower is better)"))
    if card.train_loss is not None:
        # Its targets are weighted and of a temperature, so it is on another scale.
        loss = amounts.number(card.train_loss, 2)
        figures.append(("Training loss", f"{loss} (on a scale of its own)"))
    return [*figures, ("LoRA rank", amounts.number(card.rank))]
