"""Adapters with a past, for tests of the page."""

from __future__ import annotations

import time

import msgspec

from mlx_backend.library import Library
from mlx_backend.library.adapters import CARD, Adapter, AdapterCard, Parent, read_adapter
from tests.app.filled import add_adapter


def add_with(library: Library, name: str, age_s: float = 0.0, **fields: object) -> Adapter:
    """Put an adapter into the library whose card has these fields; its id is "<name> id"."""
    folder = add_adapter(library, name, age_s)
    card = msgspec.json.decode((folder / CARD).read_bytes(), type=AdapterCard)
    card = msgspec.structs.replace(card, **{"id": f"{name} id", **fields})
    (folder / CARD).write_bytes(msgspec.json.encode(card))
    return read_adapter(library.adapters, name)


def parent(name: str, weight: float = 1.0) -> Parent:
    """A parent that was called so."""
    return Parent(id=f"{name} id", name=name, weight=weight)


def moment(year: int, month: int, day: int) -> float:
    """Noon of a day, local time, as Unix time."""
    return time.mktime((year, month, day, 12, 0, 0, 0, 0, -1))
