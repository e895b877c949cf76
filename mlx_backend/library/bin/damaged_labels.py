"""Guessing what a folder in the bin is when its `item.json` is damaged."""

from __future__ import annotations

from pathlib import Path

import msgspec

from mlx_backend.library import adapters, models
from mlx_backend.library.bin.items import BinKind


class _Named(msgspec.Struct):
    name: str = ""


def guessed_kind(content: Path) -> BinKind:
    """A folder with any of an adapter's files is taken for an adapter, any other for a model."""
    of_adapters = (adapters.CARD, adapters.WEIGHTS, adapters.CONFIG)
    return "adapter" if any((content / file).exists() for file in of_adapters) else "model"


def guessed_name(content: Path) -> str:
    """The name in the folder's card, else "Recovered adapter" or "Recovered model"."""
    kind = guessed_kind(content)
    card = adapters.CARD if kind == "adapter" else models.CARD
    try:
        name = msgspec.json.decode((content / card).read_bytes(), type=_Named).name
    except (OSError, UnicodeDecodeError, RecursionError, msgspec.DecodeError):
        name = ""
    return name or f"Recovered {kind}"
