"""Who answers, whether the base model is asked too, and whether from the notes or from memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QWidget

from app.chat.answerer import Answerer
from app.chat.exchange_view import BASE_MODEL
from app.style import Size, Space, sized
from app.widgets.elided import NameMenu
from app.widgets.labels import label, tip
from mlx_backend.library.adapters import AdapterCard

_GROUNDED = (
    "On: your notes are searched for each question, and the answer says which note it is from.\n"
    "Off: closed book. The model answers from memory alone."
)
_COMPARE = "The base model, before any training, answers too."
_ALIKE = (
    "With “From my notes” on, a model of this size quotes your notes, whatever it learned: the base"
    " model would give the same answer. Switch it off to compare."
)


class AnswererChoice(QWidget):
    """A menu of answerers and two check boxes."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._answerers: list[Answerer] = []
        self._readers: frozenset[str] = frozenset()
        self.menu = NameMenu()
        self.menu.setAccessibleName("Who answers")
        sized(self.menu, lambda it: it.setMinimumWidth(Size.SHORT_FIELD))
        sized(self.menu, lambda it: it.setMaximumWidth(Size.FIELD))
        self.menu.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.grounded = QCheckBox("From my notes")
        self.grounded.setToolTip(_GROUNDED)
        self.grounded.setAccessibleDescription(_GROUNDED)
        self.grounded.setChecked(True)
        self.compare = QCheckBox("Compare with base")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(Space.TWO)
        caption = label("Ask", "quiet")
        caption.setBuddy(self.menu)
        layout.addWidget(caption)
        layout.addWidget(self.menu)
        layout.addWidget(self.grounded)
        layout.addWidget(self.compare)
        self.menu.activated.connect(lambda _: self._take())
        self.compare.clicked.connect(lambda _: self._take())
        self.grounded.clicked.connect(lambda _: self._take())
        self._show_compare()

    def show_adapters(self, cards: Sequence[AdapterCard], base_model: str) -> None:
        """Offer these adapters, the newest first, and the base model."""
        chosen = self.chosen.adapter if self._answerers else None
        self._answerers = [Answerer(card.name, card.base) for card in cards]
        self._answerers.append(Answerer(None, base_model))
        self.menu.show_names([answerer.adapter or BASE_MODEL for answerer in self._answerers])
        self.choose(chosen)

    def choose(self, adapter: str | None) -> bool:
        """Choose an adapter, else the base model; returns whether there is such an adapter."""
        names = [answerer.adapter for answerer in self._answerers]
        found = adapter in names
        self.menu.setCurrentIndex(names.index(adapter) if found else len(names) - 1)
        self._show_compare()
        return found

    @property
    def chosen(self) -> Answerer:
        """Who answers first."""
        index = self.menu.currentIndex()
        return self._answerers[index] if 0 <= index < len(self._answerers) else Answerer()

    def answerers(self, grounded: bool) -> tuple[Answerer, ...]:
        """All who answer, in turn, from the notes or from memory."""
        chosen = self.chosen
        if self.compare.isChecked() and self._can_compare(grounded):
            return (chosen, chosen.base)
        return (chosen,)

    @property
    def is_grounded(self) -> bool:
        """Whether answers are looked up in the notes."""
        return self.grounded.isEnabled() and self.grounded.isChecked()

    @property
    def is_quoting(self) -> bool:
        """Whether answers are words of the notes, which no training changes."""
        return self._quotes(self.is_grounded)

    def show_readers(self, models: Iterable[str]) -> None:
        """These base models word their answers from the notes; all others quote them."""
        self._readers = frozenset(models)
        self._show_compare()

    def show_has_notes(self, has_notes: bool) -> None:
        """Without notes there is nothing to look up; the person's choice is kept."""
        self.grounded.setEnabled(has_notes)
        self._show_compare()

    def _take(self) -> None:
        self._show_compare()
        self.changed.emit()

    def _can_compare(self, grounded: bool) -> bool:
        return self.chosen.adapter is not None and not self._quotes(grounded)

    def _quotes(self, grounded: bool) -> bool:
        return grounded and self.chosen.model not in self._readers

    def _show_compare(self) -> None:
        self.compare.setEnabled(self._can_compare(self.is_grounded))
        told = _ALIKE if self.is_quoting and self.chosen.adapter is not None else _COMPARE
        self.compare.setToolTip(tip(told))
        self.compare.setAccessibleDescription(told)
