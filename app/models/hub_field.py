"""A field for any model of the Hub, with what few people need behind "Details"."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.style import Space
from app.widgets.elided import NameMenu
from app.widgets.fold import Fold
from app.widgets.labels import label, paragraph
from app.widgets.repository_field import RepositoryField
from mlx_backend.catalogue.repository_names import MODEL

_BITS = (0, 8, 6, 4)
_BITS_TOLD = (
    "Where the weights are not quantised yet, fewer bits take less memory and are a little less"
    " exact. What that costs is measured when the model arrives."
)


class HubField(QWidget):
    """A line for OWNER/NAME and a button. A pasted address of a page of the Hub does as well."""

    wanted = Signal(str, str, int)
    """Download this repository, at this revision, with so many bits a weight; 0: as it is."""

    def __init__(self) -> None:
        super().__init__()
        self.line = RepositoryField(MODEL, "Download")
        self.line.field.setPlaceholderText("OWNER/NAME")
        self.bits = NameMenu()
        self.bits.setAccessibleName("Bits of a weight")
        self.bits.show_names(["As it is", *(f"{bits} bits a weight" for bits in _BITS[1:])])
        self.details = Fold("Details", self._make_details(), is_small=True)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(Space.ONE)
        column.addWidget(self.line)
        column.addWidget(self.details)
        self.line.named.connect(
            lambda repo, revision: self.wanted.emit(repo, revision, self.chosen_bits)
        )

    @property
    def chosen_bits(self) -> int:
        """The bits of a weight that are wanted; 0: as the model is."""
        return _BITS[self.bits.currentIndex()]

    def _make_details(self) -> QWidget:
        details = QWidget()
        row = QHBoxLayout()
        row.setSpacing(Space.TWO)
        caption = label("Weights", "quiet")
        caption.setBuddy(self.bits)
        row.addWidget(caption)
        row.addWidget(self.bits)
        row.addStretch()
        column = QVBoxLayout(details)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(Space.ONE)
        column.addLayout(row)
        column.addWidget(paragraph(_BITS_TOLD, "quiet"))
        return details
