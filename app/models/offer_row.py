"""One model to get: what it is, whether it fits, and the button that gets it."""

from __future__ import annotations

import functools

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QHBoxLayout

from app.models.offers import Offer
from app.models.rows import Row
from app.style import Space
from app.widgets.elided import Elided
from app.widgets.labels import button, label, tip


class OfferRow(Row):
    """A title, some lines and a button, or in its place a word on why there is none."""

    def __init__(self, offer: Offer, verb: str, is_first: bool = False) -> None:
        super().__init__(Elided(offer.title, kind="heading" if is_first else "strong"))
        self.offer = offer
        self.get = button(verb, "primary" if is_first else "plain")
        self.get.setAccessibleName(f"{verb} {offer.title}")
        self.get.setAccessibleDescription(f"{offer.facts}. {offer.fit}")
        self.state = label(kind="small")
        self.controls.addWidget(self.state)
        self.controls.addWidget(self.get)
        self.good_for = self.add_line(offer.good_for, "body" if is_first else "quiet")
        self.facts = self.add_line(offer.facts)
        self.fit = self.add_line(offer.fit, "quiet" if offer.is_fitting else "body")
        self.missed = self.add_line(offer.missed)
        self.read = button("Read It", "link")
        if offer.licence:
            self._add_licence(offer)
        self.show_state("")

    def show_state(self, state: str) -> None:
        """Say where the model is already, in place of the button; "" where it is nowhere."""
        self.state.setText(state)
        self.state.setVisible(bool(state))
        self.get.setVisible(not state and not self.offer.missed)

    def _add_licence(self, offer: Offer) -> None:
        self.read.setAccessibleName(f"Read the licence of {offer.title}")
        self.read.setToolTip(tip(offer.licence_link))
        self.read.clicked.connect(functools.partial(_open, offer.licence_link))
        row = QHBoxLayout()
        row.setSpacing(Space.HALF)
        row.addWidget(Elided(offer.licence, kind="quiet"))
        row.addWidget(self.read)
        row.addStretch()
        self.column.addLayout(row)


def _open(link: str) -> None:
    url = QUrl(link)
    if url.scheme() in ("https", "http"):  # a licence's link may come from a model's card
        QDesktopServices.openUrl(url)
