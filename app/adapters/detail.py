"""One adapter: what it learned, how well, and what can be done with it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.adapters.adapter_list_model import Listed
from app.adapters.export_choices import ExportChoice, ask_where, export_menu
from app.adapters.export_line import ExportLine
from app.adapters.lineage_view import LineageView
from app.adapters.tag_field import TagField
from app.jobs.exports import Exports
from app.library.base_models import called
from app.library.missing_bases import MissingBase, cannot_answer, way_back
from app.style import Space
from app.text import amounts
from app.text.error_text import in_window
from app.widgets.deletable_list import PressedOnce
from app.widgets.elided import Elided
from app.widgets.flow_layout import FlowLayout
from app.widgets.fold import Fold
from app.widgets.labels import button, hairline, menu_button, paragraph, tip
from app.widgets.named_values import NamedValues
from app.widgets.reveal import SHOW, reveal
from mlx_backend.library.adapters import Adapter, AdapterCard
from mlx_backend.protocol import ExportForm

_DAMAGED = (
    "This adapter is damaged: parts of it are missing or cannot be read. Delete it and train it"
    " again; your notes are all there."
)


_GO_ON = (
    "Tonight goes on from this one, on its base model, and makes a new adapter. This one stays as"
    " it is."
)


class AdapterDetail(QWidget):
    """Shows an adapter's card and its export."""

    chat_wanted = Signal(str)
    delete_wanted = Signal(str)

    base_wanted = Signal(object)
    """Bring this MissingBase back."""

    other_wanted = Signal(str)
    """Show the adapter of this name."""

    use_again_wanted = Signal(str, str)
    """As that of `LineageView`."""

    tags_wanted = Signal(object, tuple)
    """Give this Adapter these tags."""

    warnings_read = Signal(object)
    """What was said of this Adapter when it was received need not be said again."""

    adapter_shown = Signal(object)
    """Another one is shown, or the same anew; None: nothing."""

    privacy_wanted = Signal(object)
    """Show the privacy page of this job."""

    continue_wanted = Signal(str)
    """Plan a night that goes on from the adapter of this id."""

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
        self.lineage = LineageView()
        self.warnings = paragraph(kind="warning")
        self.dismiss = button("Dismiss", "link")
        self.dismiss.setProperty("flush", True)
        self.exporting = ExportLine(exports)
        self.below_export = QVBoxLayout()
        self.tags = TagField()
        self.chat = button("Chat", "primary")
        self.export = menu_button("Export…")
        self.publish = button("Publish…")
        self.go_on = button("Continue Training")
        self.go_on.setToolTip(tip(_GO_ON))
        self.go_on.setAccessibleDescription(_GO_ON)
        self.delete = button("Delete")
        self._lay_out()
        self.chat.clicked.connect(lambda: self._with_name(self.chat_wanted.emit))
        self.tags.changed.connect(lambda tags: self.tags_wanted.emit(self._adapter, tags))
        PressedOnce(self.delete)
        self.delete.clicked.connect(lambda: self._with_name(self.delete_wanted.emit))
        self.bring_back.clicked.connect(lambda: self.base_wanted.emit(self._missing))
        self.export.clicked.connect(self._open_export_menu)
        self.go_on.clicked.connect(self._go_on)
        self.dismiss.clicked.connect(lambda: self.warnings_read.emit(self._adapter))
        self.exporting.privacy_wanted.connect(self.privacy_wanted)
        self.lineage.wanted.connect(self.other_wanted)
        self.lineage.use_again_wanted.connect(self.use_again_wanted)
        exports.changed.connect(self._show_export)
        self.hide()

    def show_adapter(
        self,
        adapter: Listed | None,
        missing: MissingBase | None = None,
        there: Sequence[Adapter] = (),
        warnings: Sequence[str] = (),
    ) -> None:
        """Show this one, or nothing.

        missing: its base model, where that is gone. there: all whole adapters of the library, for
        its lineage. warnings: what was said when it was received.
        """
        if adapter is None or self._adapter is None or adapter.name != self._adapter.name:
            self.tags.take()  # of the one before, while it is that one's
        self._adapter = adapter
        self._show_warnings(warnings)
        self._show_missing(missing)
        self.setVisible(adapter is not None)
        self.adapter_shown.emit(adapter)
        if adapter is None:
            return
        self.title.setText(adapter.name)
        is_whole = isinstance(adapter, Adapter)
        shown = (self.learned, self.chat, self.go_on, self.export, self.tags, self.figures)
        for part in (*shown, self._fold):
            part.setVisible(is_whole)
        if isinstance(adapter, Adapter):
            self._show_card(adapter)
            self.lineage.show_adapter(adapter, there)
            self.tags.show_tags(adapter.card.tags, adapter.card.id)
        else:
            self.result.setText(_DAMAGED)
            self.lineage.hide()
        self._show_export()

    def _show_missing(self, missing: MissingBase | None) -> None:
        self._missing = missing
        name = self._adapter.name if self._adapter is not None else ""
        for each in (self.missing, self.bring_back):
            each.setVisible(missing is not None)
        if missing is not None:
            self.missing.setText(cannot_answer(name, missing))
            self.bring_back.setText(way_back(missing))
        for act in (self.chat, self.go_on):
            act.setEnabled(missing is None)

    def _show_warnings(self, warnings: Sequence[str]) -> None:
        self.warnings.setText("\n".join(map(in_window, warnings)))
        for part in (self.warnings, self.dismiss):
            part.setVisible(bool(warnings))

    def _show_card(self, adapter: Adapter) -> None:
        card = adapter.card
        self.learned.setText(learned_sentence(card))
        self.result.setText(result_sentence(card))
        self.figures.show_figures(_figures(adapter))
        self.details.show_figures(_details(card))

    def start_export(self, to: Path, form: ExportForm = "mlx") -> None:
        """Export the adapter shown to the new path `to`, in this form."""
        if isinstance(self._adapter, Adapter):
            self._exports.start(self._adapter, to, form)

    def _lay_out(self) -> None:
        others = QWidget()
        flow = FlowLayout(others, Space.ONE)
        for action in (self.chat, self.go_on, self.export, self.publish):
            flow.addWidget(action)
        actions = QHBoxLayout()
        actions.setSpacing(Space.ONE)
        actions.addWidget(others, 1)
        actions.addWidget(self.delete, alignment=Qt.AlignmentFlag.AlignTop)
        self.below_export.setSpacing(Space.TWO)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(Space.FOUR, Space.THREE, Space.FOUR, Space.TWO)
        layout.setSpacing(Space.TWO)
        layout.addWidget(self.title)
        layout.addWidget(self.learned)
        layout.addWidget(self.result)
        left = Qt.AlignmentFlag.AlignLeft
        warnings = QVBoxLayout()
        warnings.setSpacing(0)
        warnings.addWidget(self.warnings)
        warnings.addWidget(self.dismiss, alignment=left)
        layout.addLayout(warnings)
        layout.addWidget(self.missing)
        layout.addWidget(self.bring_back, alignment=left)
        layout.addLayout(actions)
        layout.addWidget(self.exporting)
        layout.addLayout(self.below_export)
        layout.addWidget(self.lineage)
        layout.addWidget(hairline())
        layout.addLayout(self._figures_and_files())
        layout.addWidget(self.tags)
        layout.addWidget(self._fold)
        layout.addStretch()

    def _figures_and_files(self) -> QVBoxLayout:
        show = button(SHOW, "link")
        show.setProperty("flush", True)
        show.clicked.connect(lambda: reveal(self._adapter.path) if self._adapter else None)
        column = QVBoxLayout()
        column.setSpacing(Space.ONE)
        column.addWidget(self.figures)
        column.addWidget(show, alignment=Qt.AlignmentFlag.AlignLeft)
        return column

    def _go_on(self) -> None:
        if isinstance(self._adapter, Adapter):
            self.continue_wanted.emit(self._adapter.card.id)

    def _with_name(self, act: Callable[[str], None]) -> None:
        if self._adapter is not None:
            act(self._adapter.name)

    def _open_export_menu(self) -> None:
        menu = export_menu(self, self._ask_where)
        menu.popup(self.export.mapToGlobal(self.export.rect().bottomLeft()))

    def _ask_where(self, choice: ExportChoice) -> None:
        if self._adapter is not None:
            take = functools.partial(self.start_export, form=choice.form)
            ask_where(self, self._adapter.name, choice, take)

    def _show_export(self) -> None:
        self.exporting.show_adapter(self._adapter)
        self.export.setEnabled(not self.exporting.is_running)


def learned_sentence(card: AdapterCard) -> str:
    """What it was trained on, as far as that is known."""
    if not card.notes and card.origin is not None:
        return "Somebody else made it."
    return f"Learned from {amounts.count(card.notes, 'note')}."


def result_sentence(card: AdapterCard) -> str:
    """What the training reached, measured on questions that it did not see.

    It was trained on the facts that they ask for, in other wordings.
    """
    before, after = card.base_valid_loss, card.valid_loss
    if before is None or after is None or before <= 0:
        if card.origin is not None or len(card.parents) > 1:
            return "It has not been measured how well it knows what it learned."
        return "No questions were set aside to measure what it learned."
    if (before - after) / before < _NOTHING:
        return "It comes no closer than before to the right answers of questions set aside."
    return "It comes closer than before to the right answers of questions set aside."


_NOTHING = 0.01  # what is gained is at least one part in a hundred


def _figures(adapter: Adapter) -> list[tuple[str, str]]:
    return [
        ("Received" if adapter.card.origin else "Made", amounts.day(adapter.card.created)),
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
