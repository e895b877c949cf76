"""Where an answer is from: a quiet chip for each note, which opens it at the place."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QEnterEvent, QFocusEvent, QHelpEvent
from PySide6.QtWidgets import QPushButton, QToolTip, QVBoxLayout, QWidget

from app.style import Size, Space, sized
from app.text import amounts
from app.text.directions import isolated
from app.widgets.flow_layout import FlowLayout
from app.widgets.labels import button, on_button, tip
from mlx_backend.protocol import Citation


class SourceChip(QPushButton):
    """Opens its note; while the pointer rests on it, it shows the passage."""

    passage_wanted = Signal(object, object)
    """The text of this Citation is wanted by this chip."""

    def __init__(self, source: Citation, lead: str) -> None:
        super().__init__()
        self._source = source
        self._passage = ""
        self.setProperty("kind", "source")
        sized(self, lambda it: it.setFixedHeight(Size.CONTROL))
        # A long title is shortened to the room there is.
        title = self.fontMetrics().elidedText(
            " ".join(source.title.split()), Qt.TextElideMode.ElideRight, Size.FIELD
        )
        self.setText(on_button(f"{lead}{isolated(title)}"))
        self.setToolTip(tip(amounts.path(source.path)))
        self.setAccessibleName(f"From the note {source.title}. Opens it.")
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def show_passage(self, passage: str) -> None:
        """Tell these words of the note, where the pointer is and to screen readers."""
        self._passage = passage
        self.setToolTip(tip(f"“{passage}”\n\n{amounts.path(self._source.path)}"))
        self.setAccessibleDescription(passage)

    def enterEvent(self, event: QEnterEvent) -> None:
        super().enterEvent(event)
        self._want()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self._want()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            QToolTip.showText(event.globalPos(), self.toolTip(), self)
            return True
        return super().event(event)

    def _want(self) -> None:
        if not self._passage:
            self.passage_wanted.emit(self._source, self)


class SourceChips(QWidget):
    """One chip for each source; nothing where there is none."""

    chosen = Signal(object)
    """The Citation of the chip that was clicked."""

    passage_wanted = Signal(object, object)

    def __init__(self) -> None:
        super().__init__()
        self._shown: tuple[tuple[Citation, ...], str] = ((), "")
        self.chips: list[SourceChip] = []
        self._flow = FlowLayout(self, Space.ONE)
        self.hide()

    def show_sources(self, sources: Sequence[Citation], lead: str = "From: ") -> None:
        """Show these, each with `lead` before the title of its note."""
        self.setVisible(bool(sources))
        if (tuple(sources), lead) == self._shown:
            return
        self._shown = (tuple(sources), lead)
        for chip in self.chips:
            self._flow.removeWidget(chip)
            chip.deleteLater()
        self.chips = [self._chip(source, lead) for source in sources]

    def _chip(self, source: Citation, lead: str) -> SourceChip:
        chip = SourceChip(source, lead)
        chip.clicked.connect(functools.partial(self.chosen.emit, source))
        chip.passage_wanted.connect(self.passage_wanted)
        self._flow.addWidget(chip)
        chip.show()
        return chip


class LookedUp(QWidget):
    """Places in the notes that were found and not used: shown at once where they came closest."""

    def __init__(self) -> None:
        super().__init__()
        self._places: tuple[Citation, ...] = ()
        self._are_closest = False
        self.chips = SourceChips()
        self.button = button("", "footnote")
        self.button.setCheckable(True)
        self.button.toggled.connect(lambda _: self._show())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.button, alignment=Qt.AlignmentFlag.AlignLeft)
        layout.addWidget(self.chips)

    def show_places(self, places: Sequence[Citation], are_closest: bool) -> None:
        """Show these; `are_closest` where the notes do not say, and these come next to it."""
        if tuple(places) != self._places:
            self._places = tuple(places)
            self._are_closest = are_closest
            self.button.setChecked(are_closest)
            self._show()

    def _show(self) -> None:
        many = amounts.count(len(self._places), "place")
        what = "These notes came closest" if self._are_closest else f"{many} looked up and not used"
        is_open = self.button.isChecked()
        self.button.setText(f"{what}:" if is_open else f"{what}…")
        self.button.setAccessibleDescription(f"{many} in your notes found, but not used.")
        self.chips.show_sources(self._places if is_open else (), "")
