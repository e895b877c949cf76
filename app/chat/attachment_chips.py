"""What is attached to a question: a chip for each file or note, which says where it is cut."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QPushButton, QWidget

from app.style import Size, Space
from app.text import amounts
from app.text.directions import isolated
from app.widgets import icons
from app.widgets.flow_layout import FlowLayout
from app.widgets.labels import button, on_button, tip
from mlx_backend.library.turns import Attachment


class AttachmentChips(QWidget):
    """One chip for each; a click on it takes it away where that is still possible."""

    removed = Signal(int)

    def __init__(self, removable: bool = False, at_end: bool = False) -> None:
        """`at_end`: lines of chips end where those of the window end."""
        super().__init__()
        self._direction = self.layoutDirection()
        if at_end:
            left, right = Qt.LayoutDirection.LeftToRight, Qt.LayoutDirection.RightToLeft
            self.setLayoutDirection(left if self._direction is right else right)
        self._removable = removable
        self._shown: tuple[Attachment, ...] = ()
        self.chips: list[QPushButton] = []
        self._flow = FlowLayout(self, Space.ONE)
        self.hide()

    def show_attachments(self, attachments: Sequence[Attachment]) -> None:
        """Show these."""
        self.setVisible(bool(attachments))
        if tuple(attachments) == self._shown:
            return
        self._shown = tuple(attachments)
        for chip in self.chips:
            self._flow.removeWidget(chip)
            chip.deleteLater()
        self.chips = [self._chip(place, each) for place, each in enumerate(attachments)]

    def _chip(self, place: int, attached: Attachment) -> QPushButton:
        chip = button("", "source")
        chip.setLayoutDirection(self._direction)
        name = isolated(" ".join(attached.name.split()))
        middle = Qt.TextElideMode.ElideMiddle
        wide = chip.fontMetrics().elidedText(name, middle, Size.FIELD)
        cut = f", the first {share(attached)}" if attached.is_cut else ""
        chip.setText(on_button(f"{wide}{cut}"))
        chip.setIcon(icons.icon("close" if self._removable else "attach"))
        told = f"{amounts.path(attached.path) or attached.name}\n{told_of(attached)}"
        chip.setToolTip(tip(told))
        chip.setAccessibleName(f"{'Remove' if self._removable else 'Attached:'} {attached.name}")
        chip.setAccessibleDescription(told_of(attached))
        if self._removable:
            chip.clicked.connect(functools.partial(self.removed.emit, place))
        self._flow.addWidget(chip)
        chip.show()
        return chip


def share(attached: Attachment) -> str:
    """How much of it is told the model."""
    return amounts.percent(len(attached.text), attached.characters)


def told_of(attached: Attachment) -> str:
    """A sentence about how much of it the model reads."""
    if not attached.is_cut:
        return f"The model reads all of it: {amounts.count(attached.characters, 'character')}."
    return (
        f"The model reads the first {share(attached)} of it:"
        f" {amounts.part(len(attached.text), attached.characters)} characters."
    )
