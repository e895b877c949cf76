"""The menu of the plan that chooses which base model learns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox

from app.library.base_models import called, called_of
from app.style import Size, sized
from app.widgets.elided import NameMenu
from mlx_backend.library.models import STARTER, BaseModel


@dataclass(frozen=True)
class BaseChoice:
    """A base model as the menu names it; `note` says why it may not do, "" where it does."""

    name: str
    title: str
    note: str = ""


class BaseMenu(NameMenu):
    """The base models of the library, each with a word on what is in its way."""

    chosen = Signal(str)
    """The person chose the base model of this name."""

    def __init__(self) -> None:
        super().__init__()
        self._choices: tuple[BaseChoice, ...] = ()
        self.setAccessibleName("Base model")
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        sized(self, lambda it: it.setMinimumWidth(Size.SHORT_FIELD))
        sized(self, lambda it: it.setFixedHeight(Size.CONTROL))
        self.activated.connect(lambda place: self.chosen.emit(self._choices[place].name))

    def show_choices(self, choices: Sequence[BaseChoice], chosen: str) -> None:
        """Offer these, with `chosen` chosen."""
        if tuple(choices) != self._choices:
            self._choices = tuple(choices)
            self.show_names([_shown(each) for each in choices])
        names = [each.name for each in choices]
        self.setCurrentIndex(names.index(chosen) if chosen in names else -1)


def choices_of(models: Sequence[BaseModel], chosen: str) -> list[BaseChoice]:
    """What there is to choose: the starter first, and `chosen` even where it is gone."""
    choices = [BaseChoice(STARTER, called(STARTER))]
    for model in models:
        if model.card.name != STARTER:
            note = "" if model.fits else "too large to train here"
            choices.append(BaseChoice(model.card.name, called_of(model), note))
    if all(each.name != chosen for each in choices):
        choices.append(BaseChoice(chosen, chosen, "not in the library"))
    return choices


def _shown(choice: BaseChoice) -> str:
    return f"{choice.title} ({choice.note})" if choice.note else choice.title
