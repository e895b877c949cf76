"""Models of other programs on this computer, looked for off the window's thread."""

from __future__ import annotations

import functools
import logging
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.models.offer_row import OfferRow
from app.models.offers import Offer
from app.models.rows import RowList
from app.text import amounts
from app.widgets.labels import button

HEADING = "Found on This Mac" if sys.platform == "darwin" else "Found on This Computer"

_log = logging.getLogger(__name__)


class Finder(QObject):
    """Looks for models in a thread of its own: a folder may be on a slow disk."""

    found = Signal(object)
    """The list that the look returned; again at each look."""

    _done = Signal(object)

    def __init__(self, look: Callable[[], Sequence[object]], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._look = look
        self._is_looking = False
        self._done.connect(self._take, Qt.ConnectionType.QueuedConnection)

    def look(self) -> None:
        """Look now, unless a look is under way."""
        if not self._is_looking:
            self._is_looking = True
            threading.Thread(target=self._run, name="model finder", daemon=True).start()

    def _run(self) -> None:
        try:
            found = list(self._look())
        except Exception:  # what another program left there must not end the look for good
            _log.exception("looking for models failed")
            found = []
        try:
            self._done.emit(found)
        except RuntimeError:
            return  # the page is gone

    def _take(self, found: list[object]) -> None:
        self._is_looking = False
        self.found.emit(found)


class FoundList(QWidget):
    """One row a model that was found. Hidden while there is none.

    Those that cannot be added are shown, with the reason, to those who ask.
    """

    add_wanted = Signal(object)
    """Take the model in the folder of this Path into the library."""

    def __init__(self) -> None:
        super().__init__()
        self._shown: list[Offer] | None = None
        self._made: dict[str, OfferRow] = {}
        self.list, self.useless = RowList(), RowList()
        self.more = button("Show What Cannot Be Added", "link")
        self.more.setProperty("flush", True)
        self.more.clicked.connect(self._show_all)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        for part in (self.list, self.useless):
            column.addWidget(part)
        column.addWidget(self.more, alignment=Qt.AlignmentFlag.AlignLeft)
        self.hide()

    def row_of(self, folder: Path) -> OfferRow:
        """The row of a folder."""
        return self._made[str(folder)]

    def show_found(self, found: Sequence[Offer]) -> None:
        """Show these."""
        if list(found) == self._shown:
            return
        self._shown = list(found)
        self._made = {offer.key: self._make_row(offer) for offer in found}
        rows = self._made.values()
        self.list.show_rows([row for row in rows if not row.offer.missed])
        self.useless.show_rows([row for row in rows if row.offer.missed])
        count = len(self.useless.rows)
        self.useless.hide()
        self.more.setText(f"Show {amounts.number(count)} That Cannot Be Added")
        self.more.setVisible(count > 0)
        self.setVisible(bool(found))

    def show_states(self, states: Mapping[str, str]) -> None:
        """Say of each folder where its model is already."""
        for key, row in self._made.items():
            row.show_state(states.get(key, ""))

    def _show_all(self) -> None:
        self.useless.show()
        self.more.hide()

    def _make_row(self, offer: Offer) -> OfferRow:
        row = OfferRow(offer, "Add")
        row.get.clicked.connect(functools.partial(self.add_wanted.emit, Path(offer.key)))
        return row
