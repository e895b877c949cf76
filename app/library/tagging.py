"""Giving an adapter tags, with an undo."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from app.library.adapter_identity import another, identity_of
from app.library.undo_history import Step, Work
from mlx_backend.library import Library
from mlx_backend.library.adapter_tags import set_tags
from mlx_backend.library.adapters import Adapter


def tag_step(
    library: Library, adapter: Adapter, tags: tuple[str, ...], ends: Callable[[], None]
) -> Step:
    """The step that gives an adapter these tags in place of those that it has."""
    name, identity = adapter.name, adapter.card.id

    def give(wanted: tuple[str, ...]) -> Work:
        def work(_: sqlite3.Connection) -> str:
            if identity_of(library, name) != identity:
                raise another(name)
            set_tags(library, name, wanted)
            return ""

        return work

    said = f"Tagged “{name}” {', '.join(tags)}." if tags else f"“{name}” has no tags now."
    forward, back = give(tags), give(adapter.card.tags)
    return Step(f"Tag “{name}”", said, forward, back, lambda _: ends(), failed=ends)
