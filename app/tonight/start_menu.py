"""The menu of the plan that chooses what a night begins with: a fresh adapter, or an older one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from PySide6.QtCore import Signal
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import QComboBox

from app.library.base_models import called
from app.style import Size, sized
from app.widgets.elided import NameMenu
from mlx_backend.library import Library
from mlx_backend.library.adapter_bases import base_of
from mlx_backend.library.adapters import Adapter, list_adapters

_FRESH = "A fresh adapter"


@dataclass(frozen=True)
class Beginning:
    """An adapter that a night may go on from.

    base: the name of its base model in the library; "" where that is gone. is_foreign: somebody
    else made it, or one that it was made of. is_measured: what it knows of the notes is known.
    """

    id: str
    name: str
    base: str
    trained_on: str
    is_foreign: bool
    is_measured: bool

    def why_not(self, base: str) -> str:
        """Why a night with this base model cannot go on from it; "" where it can."""
        if self.base == base:
            return ""
        if not self.base:
            return f"{called(self.trained_on)} is missing"
        return f"trained on {called(self.base)}"


def beginnings(library: Library) -> list[Beginning]:
    """All adapters, the newest first. Reads files, so never on the window's thread."""
    there = list_adapters(library.adapters)
    by_id = {adapter.card.id: adapter for adapter in there}
    return [
        Beginning(
            id=each.card.id,
            name=each.name,
            base=base_of(library, each.card) or "",
            trained_on=each.card.base,
            is_foreign=_is_foreign(each, by_id),
            is_measured=bool(each.card.run),
        )
        for each in there
    ]


def _is_foreign(adapter: Adapter, by_id: dict[str, Adapter]) -> bool:
    waiting, seen = [adapter], set[str]()
    while waiting:
        each = waiting.pop()
        if each.card.origin is not None:
            return True
        if each.card.id not in seen:
            seen.add(each.card.id)
            waiting += [by_id[p.id] for p in each.card.parents if p.id in by_id]
    return False


class StartMenu(NameMenu):
    """A fresh adapter first; then those to go on from; those of other base models say why not."""

    chosen = Signal(str)
    """The id of the adapter to go on from; "" for a fresh one."""

    def __init__(self) -> None:
        super().__init__()
        self._ids: tuple[str, ...] = ()
        self._shown: tuple[tuple[str, str], ...] = ()
        self.setAccessibleName("What the night begins with")
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        sized(self, lambda it: it.setMinimumWidth(Size.SHORT_FIELD))
        sized(self, lambda it: it.setMaximumWidth(Size.WAY_IN))
        sized(self, lambda it: it.setFixedHeight(Size.CONTROL))
        self.activated.connect(lambda place: self.chosen.emit(self._ids[place]))

    def show_choices(self, there: Sequence[Beginning], base: str, chosen: str) -> None:
        """Offer these for a night with this base model, with one chosen by its id."""
        fit = [each for each in there if not each.why_not(base)]
        others = [each for each in there if each.why_not(base)]
        shown = tuple((each.name, each.why_not(base)) for each in (*fit, *others))
        self._ids = ("", *(each.id for each in (*fit, *others)))
        if shown != self._shown or not self.count():
            self._shown = shown
            self.show_names([_FRESH, *(f"{n} ({why})" if why else n for n, why in shown)])
            items = cast(QStandardItemModel, self.model())
            for place, (_, why) in enumerate(shown, start=1):
                items.item(place).setEnabled(not why)
        self.setCurrentIndex(self._ids.index(chosen) if chosen in self._ids else 0)
