"""Base models that adapters need and that are not in the library, and the ways back."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from app.library.base_models import base_models
from mlx_backend.library import Library
from mlx_backend.library.adapters import AdapterCard, list_adapters
from mlx_backend.library.bin import Bin, Binned
from mlx_backend.library.models import STARTER

_MOST_NAMED = 3


@dataclass(frozen=True)
class MissingBase:
    """A base model that is gone, the adapters that need it, and its place in the bin, if any."""

    name: str
    adapters: tuple[str, ...]
    binned: Binned | None = None


def find_missing_bases(library: Library, db: sqlite3.Connection) -> tuple[MissingBase, ...]:
    """The base models that adapters of the library miss, by the name that they had."""
    there = {model.card.sha256 for model in base_models(library)}  # they may have other names now
    cards = [
        adapter.card
        for adapter in list_adapters(library.adapters)
        if adapter.card.base_sha256 not in there
    ]
    lost = {card.base for card in cards} - {STARTER}  # that one is made by itself
    if not lost:
        return ()
    binned = {item.name: item for item in Bin(library, db).items() if item.kind == "model"}
    return tuple(MissingBase(name, needing(cards, name), binned.get(name)) for name in sorted(lost))


def needing(cards: Iterable[AdapterCard], base: str) -> tuple[str, ...]:
    """The names of the adapters that need a base model."""
    return tuple(card.name for card in cards if card.base == base)


def missing_of(missing: Iterable[MissingBase], base: str) -> MissingBase | None:
    """The missing base model of this name; None where it is there."""
    return next((each for each in missing if each.name == base), None)


def named(adapters: Sequence[str]) -> str:
    """Some names in a sentence: “Work”, “Garden” and 3 more."""
    shown = [f"“{name}”" for name in adapters[:_MOST_NAMED]]
    more = len(adapters) - len(shown)
    if more:
        return f"{', '.join(shown)} and {more} more"
    *others, last = shown
    return f"{', '.join(others)} and {last}" if others else last


def stranded(adapters: Collection[str]) -> str:
    """What becomes of adapters whose base model is removed; "" where there are none."""
    if not adapters:
        return ""
    names = named(list(adapters))
    if len(adapters) == 1:
        return f"{names} needs it: it stays, but cannot answer until it is back."
    return f"{names} need it: they stay, but cannot answer until it is back."


def cannot_answer(adapter: str, missing: MissingBase) -> str:
    """Why an adapter cannot answer now."""
    where = "is in the bin" if missing.binned is not None else "is not in the library"
    return f"“{adapter}” needs the base model “{missing.name}”, which {where}."


def way_back(missing: MissingBase | None) -> str:
    """What the button does that brings a base model back; "" for none."""
    if missing is None:
        return ""
    return "Restore It" if missing.binned is not None else "Get It Under Models"
