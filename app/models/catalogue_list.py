"""Models to download: the one for this computer first, then the others of the catalogue."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.models.offer_row import OfferRow
from app.models.offers import Offer, Offers
from app.models.rows import RowList
from app.style import Space
from app.text import amounts
from app.widgets.labels import button, paragraph

_AT_FIRST = 5
# Each row takes some milliseconds: only as many are made at once as nobody notices.
_AT_ONCE = 2


class CatalogueList(QWidget):
    """The recommended model and a few others; the rest on request."""

    download_wanted = Signal(object)
    """Download this Offer."""

    def __init__(self) -> None:
        super().__init__()
        self._offers = Offers()
        self._states: Mapping[str, str] = {}
        self.rows: dict[str, OfferRow] = {}
        self.advice = paragraph()
        self.list = RowList()
        self.more = button("Show More", "link")
        self.more.setProperty("flush", True)
        self.more.clicked.connect(self._show_more)
        self._rest = QTimer(self, singleShot=True, interval=0)
        self._rest.timeout.connect(self._show_more)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(Space.TWO)
        column.addWidget(self.advice)
        column.addWidget(self.list)
        column.addWidget(self.more, alignment=Qt.AlignmentFlag.AlignLeft)

    def show_offers(self, offers: Offers) -> None:
        """Show these."""
        if offers == self._offers:
            return
        self._offers = offers
        self.advice.setText(offers.advice)
        self._rest.stop()
        self.rows = {}
        self._make(self._unmade()[:_AT_FIRST])
        self.more.setText(f"Show {amounts.number(len(self._unmade()))} More")
        self.more.setVisible(bool(self._unmade()))

    def show_states(self, states: Mapping[str, str]) -> None:
        """Say of each repository where it is already: 'In your library'."""
        self._states = dict(states)
        for key, row in self.rows.items():
            row.show_state(states.get(key, ""))

    def _unmade(self) -> list[Offer]:
        """What is not shown yet, in order."""
        first = self._offers.recommended
        offers = ([first] if first is not None else []) + list(self._offers.others)
        return [offer for offer in offers if offer.key not in self.rows]

    def _make(self, offers: Sequence[Offer]) -> None:
        for offer in offers:
            row = OfferRow(offer, "Download", is_first=offer == self._offers.recommended)
            row.get.clicked.connect(functools.partial(self.download_wanted.emit, offer))
            row.show_state(self._states.get(offer.key, ""))
            self.rows[offer.key] = row
        self.list.show_rows(list(self.rows.values()))

    def _show_more(self) -> None:
        some = self._unmade()[:_AT_ONCE]
        self._make(some)
        if some and self.more.isVisible():
            self.rows[some[0].key].get.setFocus()
        self.more.hide()
        if self._unmade():
            self._rest.start()
