"""How adapters of others come in from their page: files, repositories of the Hub, and links."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.adapters.adding import ask_what
from app.adapters.arriving import Arrivals, ArrivalSorter, no_adapters
from app.adapters.from_hub import FromHub
from app.services import Services
from app.style import Size, Space, sized
from app.widgets.empty_state import EmptyState
from app.widgets.labels import button
from mlx_backend.catalogue.repository_names import ADAPTER, repository_of
from mlx_backend.errors import OvernightError

_ADD = "Add an Adapter…"


class WaysIn(QWidget):
    """A line for a repository of the Hub, and a button for files."""

    refused = Signal(object)
    """Say with this OvernightError why what was chosen is not taken in."""

    def __init__(self, services: Services) -> None:
        super().__init__()
        self._services = services
        self._sorter = ArrivalSorter(self)
        self.add = button(_ADD)
        self.hub = _from_hub(services)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(Space.ONE)
        row.addWidget(self.hub)
        row.addWidget(self.add, alignment=Qt.AlignmentFlag.AlignTop)
        self.add.clicked.connect(self.ask)
        self._sorter.sorted.connect(self._receive)

    def add_to(self, empty: EmptyState) -> None:
        """Offer the same where there are no adapters yet."""
        self.add_first = button(_ADD, "link")
        self.add_first.clicked.connect(self.ask)
        self.hub_first = _from_hub(self._services)
        empty.add_second(self.add_first)
        empty.add_second(self.hub_first)

    def ask(self) -> None:
        """Ask which files to add."""
        ask_what(self.window(), self.look_at)

    def look_at(self, paths: Sequence[Path]) -> None:
        """Take in the adapters at these paths, and say of the rest that it is none."""
        self._sorter.sort(paths)

    def take_link(self, text: str) -> None:
        """Take in the adapter in the repository of the Hub whose address this is."""
        try:
            repository, revision = repository_of(text, ADAPTER)
        except OvernightError as error:
            self.refused.emit(error)
        else:
            self._services.new_adapters.receive_repository(repository, revision)

    def _receive(self, arrivals: Arrivals) -> None:
        self._services.new_adapters.receive(arrivals.adapters)
        if arrivals.others:
            self.refused.emit(no_adapters(arrivals.others))


def _from_hub(services: Services) -> FromHub:
    return sized(FromHub(services), lambda it: it.setFixedWidth(Size.WAY_IN))
