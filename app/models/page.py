"""Models: what tonight's training can start from, and where to get more."""

from __future__ import annotations

import functools
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QEvent, Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QButtonGroup,
    QLabel,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.jobs.hub_figures import HubFigure, HubFigures
from app.jobs.hub_token import HubToken
from app.library.base_models import base_models, called_of
from app.library.deletions import Change
from app.library.missing_bases import MissingBase, find_missing_bases, needing, stranded
from app.models.catalogue_list import CatalogueList
from app.models.dropped import Dropped, look_at_dropped, not_models
from app.models.found_list import HEADING, Finder, FoundList
from app.models.hub_field import HubField
from app.models.library_list import LibraryList
from app.models.missing_list import MissingList
from app.models.offers import Offer, Offers
from app.models.on_this_computer import found_offers
from app.models.to_download import read_offers
from app.models.under_way import JobRow, UnderWayList
from app.services import Services
from app.style import Size, Space, inset, sized
from app.text.error_text import trouble
from app.widgets.labels import label, paragraph
from app.widgets.tab_order import follow_layout
from app.widgets.undo_bar import UndoBar
from mlx_backend.errors import OvernightError
from mlx_backend.jobs import JobState
from mlx_backend.library import Library
from mlx_backend.library.adapters import AdapterCard, list_adapters
from mlx_backend.library.models import STARTER, BaseModel
from mlx_backend.protocol import AdoptSpec, DownloadSpec

_OTHERS = "Any other model of the Hugging Face Hub:"
_DROP = "You can also drop a model's folder here."
_HERE, _COMING = "In your library", "On the way"


@dataclass(frozen=True)
class _Found:
    models: list[BaseModel]
    missing: tuple[MissingBase, ...]
    cards: list[AdapterCard]
    offers: Offers


class ModelsPage(QWidget):
    """What is in the library, what is on the way, and what there is to get."""

    refused = Signal(object)
    """Say with this OvernightError why what was dropped is not taken."""

    def __init__(self, services: Services) -> None:
        super().__init__()
        self._library = services.library
        self._background = services.background
        self._preferences = services.preferences
        self._deletions = services.deletions
        self._jobs = services.model_jobs
        self._found = _Found([], (), [], Offers())
        self._on_computer: list[Offer] = []
        self._used_before = ""
        self._begun = ""
        self._content = QWidget()
        self._scroll = QScrollArea()
        self._token = HubToken(services.library, self)
        self._figures = HubFigures(services.library, self)
        self._told: dict[str, HubFigure] = {}
        self._finder = Finder(functools.partial(found_offers, services.library), self)
        self.models = LibraryList()
        self.missing = MissingList()
        self.under_way = UnderWayList()
        self.catalogue = CatalogueList()
        self.hub = HubField()
        self.on_computer = FoundList()
        self.undo_bar = UndoBar(services.history)
        self._missing_heading = _heading("Missing")
        self._under_way_heading = _heading("On the Way")
        self._on_computer_heading = _heading(HEADING)
        self._lay_out()
        self._connect()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()
        self._finder.look()
        self._figures.ask()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        if not event.spontaneous():  # only the person's going elsewhere
            self.models.forget_told()

    @property
    def choices(self) -> QButtonGroup:
        """The buttons that choose the model of tonight."""
        return self.models.choices

    @property
    def names(self) -> tuple[str, ...]:
        """The models that are offered for tonight, in order."""
        return self.models.names

    def button_of(self, name: str) -> QAbstractButton:
        """The button that chooses a model."""
        return self.models.button_of(name)

    def refresh(self) -> None:
        """Look which models there are."""
        look = functools.partial(_look, self._library, self._told)
        self._background.call(look, self._show)

    def take_dropped(self, paths: Sequence[Path]) -> None:
        """Take models that were dropped into the library, and say of the rest that it is none."""
        looking = Finder(functools.partial(look_at_dropped, paths), self)
        looking.found.connect(self._take_dropped)
        looking.found.connect(looking.deleteLater)
        looking.look()

    # --- what there is ---

    def _show(self, found: _Found) -> None:
        self._found = found
        self.models.show_models(found.models, self._preferences.settings.base_model)
        self._missing_heading.setVisible(bool(found.missing))
        self.missing.show_missing(found.missing, self._title_on_hub)
        self.catalogue.show_offers(found.offers)
        self._show_jobs()

    def _take_arrival(self, name: str, told: str) -> None:
        self.models.tell(name, told)
        chosen = self.choices.checkedButton()
        if chosen is not None and chosen.hasFocus():
            self.models.want_focus(name)
        self.refresh()
        self._finder.look()  # what was added is offered no more

    def _take_figures(self, told: dict[str, HubFigure]) -> None:
        self._told = told
        self.refresh()

    def _show_on_computer(self, found: list[Offer]) -> None:
        self._on_computer = found
        self._on_computer_heading.setVisible(bool(found))
        self.on_computer.show_found(found)
        self._show_jobs()

    def _show_jobs(self) -> None:
        jobs = self._jobs.unfinished()
        self._under_way_heading.setVisible(bool(jobs))
        had_focus = self.under_way.has_focus
        self.under_way.show_jobs(jobs)
        if had_focus and not self.under_way.has_focus:
            self._focus_choice()  # and not the next button, which would begin a download
        if self._begun in {job.id for job in jobs}:
            self._bring_up(self.under_way.row_of(self._begun))
            self._begun = ""
        states = {repo: _HERE for repo in map(_repo_of, self._found.models) if repo}
        for job in jobs:
            if job.state is JobState.FAILED:
                continue
            if isinstance(job.spec, DownloadSpec):
                states[job.spec.repo] = _COMING
            elif isinstance(job.spec, AdoptSpec):
                states[job.spec.path] = _COMING
        self.models.show_states(states)
        self.catalogue.show_states(states)
        self.on_computer.show_states(states)

    def _bring_up(self, row: JobRow) -> None:
        # Without the focus, the key that began it, pressed again, would begin the next of the list.
        row.take_focus()
        show = functools.partial(self._scroll.ensureWidgetVisible, row)
        QTimer.singleShot(0, row, show)  # when it has its place

    # --- what a person does ---

    def _delete(self, model: BaseModel) -> None:
        name = model.card.name
        told = stranded(needing(self._found.cards, name))
        self._deletions.delete("model", [name], called_of(model), told)

    def _take_change(self, change: Change) -> None:
        if change.kind == "adapter":
            self.refresh()
        if change.kind != "model":
            return
        chosen = self._preferences.settings.base_model
        if not change.is_back and chosen in change.keys:
            self._used_before = chosen
            self._preferences.change(base_model=STARTER)
        elif change.is_back and change.keys:
            self.models.want_focus(str(change.keys[0]))
            if self._used_before in change.keys:
                self._preferences.change(base_model=self._used_before)
                self._used_before = ""
        self.refresh()

    def _download(self, offer: Offer) -> None:
        self._begun = self._jobs.download(offer.key, offer.revision)

    def _download_named(self, repo: str, revision: str, bits: int) -> None:
        self._begun = self._jobs.download(repo, revision, bits)

    def _add(self, folder: Path) -> None:
        self._begun = self._jobs.adopt(folder)

    def _focus_choice(self) -> None:
        chosen = self.choices.checkedButton()
        if chosen is not None:
            chosen.setFocus()

    def _download_missing(self, missing: MissingBase) -> None:
        offer = self._offer_of(missing)
        if offer is not None:
            self._download(offer)

    def _offer_of(self, missing: MissingBase) -> Offer | None:
        """The entry of the catalogue that a missing base model came from, by its name."""
        offers = self._found.offers
        first = [offers.recommended] if offers.recommended is not None else []
        named = (o for o in (*first, *offers.others) if o.key.endswith(f"/{missing.name}"))
        return next(named, None)

    def _title_on_hub(self, missing: MissingBase) -> str:
        """What the catalogue calls it; "" where it does not have it."""
        offer = self._offer_of(missing)
        return "" if offer is None else offer.title

    def _restore(self, missing: MissingBase) -> None:
        if missing.binned is not None:
            self._deletions.restore([missing.binned])

    def _take_token(self, job_id: str, token: str) -> None:
        self._token.keep(
            token,
            functools.partial(self._jobs.go_on, job_id),
            functools.partial(self._show_token_problem, job_id),
        )

    def _show_token_problem(self, job_id: str, error: OvernightError) -> None:
        if any(job.id == job_id for job in self._jobs.unfinished()):
            self.under_way.row_of(job_id).token.show_problem(trouble(error))

    def _take_dropped(self, dropped: Sequence[Dropped]) -> None:
        for each in dropped:
            if each.is_model:
                self._add(each.path)
        others = [each.path for each in dropped if not each.is_model]
        if others:
            self.refused.emit(not_models(others))

    # --- making the page ---

    def _connect(self) -> None:
        preferences, jobs = self._preferences, self._jobs
        preferences.changed.connect(lambda: self.models.mark(preferences.settings.base_model))
        self._deletions.changed.connect(self._take_change)
        jobs.changed.connect(self._show_jobs)
        jobs.arrived.connect(self._take_arrival)
        self.models.chosen.connect(lambda name: preferences.change(base_model=name))
        self.models.delete_wanted.connect(self._delete)
        self.models.trial_wanted.connect(self._add)
        self.missing.restore_wanted.connect(self._restore)
        self.missing.download_wanted.connect(self._download_missing)
        self.under_way.pause_wanted.connect(jobs.pause)
        self.under_way.go_on_wanted.connect(jobs.go_on)
        self.under_way.cancel_wanted.connect(jobs.cancel)
        self.under_way.token_given.connect(self._take_token)
        self.catalogue.download_wanted.connect(self._download)
        self.hub.wanted.connect(self._download_named)
        self.on_computer.add_wanted.connect(self._add)
        lists = (self.models, self.missing, self.under_way, self.catalogue.list)
        for each in (*lists, self.on_computer.list, self.on_computer.useless):
            each.rows_changed.connect(self._settle)
        self._finder.found.connect(self._show_on_computer)
        self._figures.told.connect(self._take_figures)

    def _settle(self) -> None:
        """Give new rows their places now; otherwise they are seen squeezed for a moment."""
        follow_layout(self._content)
        QCoreApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest.value)

    def _lay_out(self) -> None:
        sized(self._content, lambda it: it.setMaximumWidth(Size.READING + 2 * Space.FOUR))
        column = QVBoxLayout(self._content)
        inset(column, Space.FOUR)
        column.setSpacing(Space.TWO)
        column.addWidget(label("Models", "title"))
        told = "Training starts from one of these. Choose the one for tonight."
        column.addWidget(paragraph(told, "quiet"))
        for part in (
            self.models,
            self._missing_heading,
            self.missing,
            self._under_way_heading,
            self.under_way,
            _heading("Get More"),
            self.catalogue,
            paragraph(_OTHERS, "quiet"),
            self.hub,
            self._on_computer_heading,
            self.on_computer,
            paragraph(_DROP, "quiet"),
        ):
            column.addWidget(part)
        self._on_computer_heading.hide()
        self._under_way_heading.hide()
        self._missing_heading.hide()
        column.addStretch()
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # it follows the choices
        self._scroll.setWidget(self._content)
        self._scroll.setWidgetResizable(True)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addWidget(self._scroll, 1)
        outer.addWidget(self.undo_bar)


def _look(library: Library, told: dict[str, HubFigure], db: sqlite3.Connection) -> _Found:
    return _Found(
        base_models(library),
        find_missing_bases(library, db),
        [adapter.card for adapter in list_adapters(library.adapters)],
        read_offers(None, told),
    )


def _repo_of(model: BaseModel) -> str:
    """The repository that a model was downloaded from; "" where it was not."""
    return model.card.source.partition("@")[0]


def _heading(text: str) -> QLabel:
    heading = label(text, "heading")
    heading.setContentsMargins(0, Space.THREE, 0, 0)
    return heading
