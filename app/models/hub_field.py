"""A field for any model of the Hub, with what few people need behind "Details"."""

from __future__ import annotations

import re

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.style import Size, Space, sized
from app.widgets.elided import NameMenu
from app.widgets.fold import Fold
from app.widgets.labels import button, label, paragraph
from app.widgets.text_fields import LineField

_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", re.ASCII)
_PAGE = re.compile(r"https?://[^/\s]+/(?=[^/]+/[^/]+)")
_WRONG = "A name on the Hub is OWNER/NAME, such as mlx-community/Qwen3-4B-4bit."
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
        self.field = LineField()
        self.field.setPlaceholderText("OWNER/NAME")
        self.field.setAccessibleName("Name of a model on the Hugging Face Hub")
        sized(self.field, lambda it: it.setFixedHeight(Size.CONTROL))
        self.download = button("Download")
        self.download.setAccessibleName("Download this model")
        self.problem = paragraph(kind="warning")
        self.problem.hide()
        self.bits = NameMenu()
        self.bits.setAccessibleName("Bits of a weight")
        self.bits.show_names(["As it is", *(f"{bits} bits a weight" for bits in _BITS[1:])])
        self.details = Fold("Details", self._make_details(), is_small=True)
        row = QHBoxLayout()
        row.setSpacing(Space.ONE)
        row.addWidget(self.field, 1)
        row.addWidget(self.download)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(Space.ONE)
        column.addLayout(row)
        column.addWidget(self.problem)
        column.addWidget(self.details)
        self.download.setEnabled(False)
        self.field.textChanged.connect(self._take_text)
        self.field.returnPressed.connect(self._ask)
        self.download.clicked.connect(self._ask)

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

    def _take_text(self, text: str) -> None:
        self.download.setEnabled(bool(text.strip()))
        self.problem.hide()

    def _ask(self) -> None:
        text = self.field.text().strip()
        if not text:
            return
        repo, revision = split_name(text)
        if not repo:
            self.problem.setText(_WRONG)
            self.problem.show()
            return
        self.field.clear()
        self.wanted.emit(repo, revision, self.chosen_bits)


def split_name(text: str) -> tuple[str, str]:
    """The repository and the revision of a name or of a page's address; "" for neither."""
    name, _, revision = _PAGE.sub("", text.strip(), count=1).partition("@")
    repo, *rest = re.split(r"/(?:tree|blob|resolve)/", name.strip("/"), maxsplit=1)
    if _NAME.fullmatch(repo) is None or ".." in repo:
        return "", ""
    return repo, revision or (rest[0].partition("/")[0] if rest else "") or "main"
