"""Models to download: the one for this computer first, then the others of the catalogue."""

from __future__ import annotations

import functools
from collections.abc import Mapping

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.models.offer_row import OfferRow
from app.models.offers import Offer, Offers
from app.models.rows import RowList
from app.style import Space
from app.text import amounts
from app.widgets.labels import button, paragraph

_AT_FIRST = 4


class CatalogueList(QWidget):
    """The recommended model and a few others; the rest on request."""

    download_wanted = Signal(object)
    """Download this Offer."""

    def __init__(self) -> None:
        super().__init__()
        self._offers = Offers()
        self.rows: dict[str, OfferRow] = {}
        self.advice = paragraph()
        self.list = RowList()
        self.more = button("Show More", "link")
        self.more.setProperty("flush", True)
        self.more.clicked.connect(self._show_all)
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
        first = offers.recommended
        self.rows = {first.key: self._make_row(first, is_first=True)} if first is not None else {}
        self.rows |= {offer.key: self._make_row(offer) for offer in offers.others}
        self._show_first()

    def show_states(self, states: Mapping[str, str]) -> None:
        """Say of each repository where it is already: 'In your library'."""
        for key, row in self.rows.items():
            row.show_state(states.get(key, ""))

    def _make_row(self, offer: Offer, is_first: bool = False) -> OfferRow:
        row = OfferRow(offer, "Download", is_first)
        row.get.clicked.connect(functools.partial(self.download_wanted.emit, offer))
        return row

    def _show_first(self) -> None:
        rows = list(self.rows.values())
        shown = _AT_FIRST + (self._offers.recommended is not None)
        self.list.show_rows(rows)
        for row in rows[shown:]:
            row.hide()
        self.more.setText(f"Show {amounts.number(len(rows) - shown)} More")
        self.more.setVisible(len(rows) > shown)

    def _show_all(self) -> None:
        rows = list(self.rows.values())
        hidden = [row for row in rows if row.isHidden()]
        for row in hidden:
            row.show()
        self.more.hide()
        if hidden:
            hidden[0].get.setFocus()
