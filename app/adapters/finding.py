"""Finding adapters in a long list."""

from __future__ import annotations

from collections.abc import Sequence

from app.adapters.adapter_list_model import Listed
from mlx_backend.library.adapters import Adapter

MANY = 8
"""Of more adapters than these, some can be looked for."""


def found(adapters: Sequence[Listed], text: str) -> list[Listed]:
    """Those whose name or tags hold every word of the text, in the same order."""
    words = text.casefold().split()
    return [each for each in adapters if all(word in _words(each) for word in words)]


def _words(adapter: Listed) -> str:
    tags = adapter.card.tags if isinstance(adapter, Adapter) else ()
    return "\n".join((adapter.name, *tags)).casefold()
