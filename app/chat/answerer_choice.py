"""The controls that choose who answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QWidget

from app.chat.answer_view import BASE_MODEL
from app.chat.answerer import Answerer
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
    "With “From my notes” on, this model quotes your notes, whatever it learned: the base model"
    " would give the same answer. Switch it off to compare."
)


class AnswererChoice(QWidget):
    """A menu of answerers and two check boxes."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._answerers: list[Answerer | None] = []  # None: the line between adapters and models
        self._usual = ""
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

    def show_adapters(
        self, cards: Sequence[AdapterCard], base_model: str, models: Mapping[str, str] = {}
    ) -> None:
        """Offer these adapters, the newest first, and below them the base models.

        base_model: the one that answers where no other was chosen. models: what the base models
        are called, by name.
        """
        was = self.chosen if self._answerers else Answerer(None, base_model)
        bases = dict(models) if len(models) > 1 else {base_model: models.get(base_model, "")}
        self._usual = base_model if base_model in bases else next(iter(bases))
        self._answerers = [
            Answerer(card.name, card.base, models.get(card.base, "")) for card in cards
        ]
        names = [card.name for card in cards]
        has_line = bool(cards) and len(bases) > 1
        self._answerers += [None] * has_line
        self._answerers += [Answerer(None, *base) for base in bases.items()]
        names += [""] * has_line
        names += bases.values() if len(bases) > 1 else [BASE_MODEL]
        self.menu.show_names(names)
        self.choose(was.adapter, was.model)

    def choose(self, adapter: str | None, model: str = "") -> bool:
        """Choose an adapter, else a base model, "" for the usual one.

        Returns whether there is such an adapter, or base model.
        """
        place = self._place(adapter, model)
        usual = self._place(None, "") if place is None else place
        self.menu.setCurrentIndex(-1 if usual is None else usual)
        self._show_compare()
        return place is not None

    @property
    def chosen(self) -> Answerer:
        """Who answers first."""
        index = self.menu.currentIndex()
        found = self._answerers[index] if 0 <= index < len(self._answerers) else None
        return found or Answerer()

    def answerer_of(self, adapter: str | None) -> Answerer:
        """Who has this adapter; for None, the base model of who answers first."""
        if adapter is None:
            return self.chosen.base
        known = (each for each in self._answerers if each is not None and each.adapter == adapter)
        return next(known, Answerer(adapter, self.chosen.model))

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

    def _place(self, adapter: str | None, model: str) -> int | None:
        wanted = model or self._usual
        for place, each in enumerate(self._answerers):
            is_it = each is not None and each.adapter == adapter
            if each is not None and is_it and (adapter is not None or each.model == wanted):
                return place
        return None

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
