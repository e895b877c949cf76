"""Calling an adapter otherwise, wherever it is known by its name."""

from __future__ import annotations

import sqlite3

from mlx_backend.errors import Kind, OvernightError
from mlx_backend.library import adapters
from mlx_backend.library.database import transaction
from mlx_backend.library.home import Library
from mlx_backend.library.in_use import require_unused
from mlx_backend.library.learned import rename_adapter_in


def rename_adapter(library: Library, connection: sqlite3.Connection, old: str, new: str) -> None:
    """Give an adapter another name: its folder, its card, and what names it in the database.

    Raises OvernightError when it is unknown, when the name is taken or cannot be one, or when a
    job that is under way needs the adapter.
    """
    path = adapters.folder_of(library.adapters, old)
    old = path.name
    target = library.adapters / adapters.check_name(new)
    new = target.name
    if old == new:
        return
    other = adapters.name_taken(library.adapters, new)
    if other not in (None, old):
        raise OvernightError(
            Kind.ADAPTER_EXISTS,
            f"There is already an adapter called '{other}'.",
            "Choose another name.",
        )
    require_unused(library, "adapter", old)
    has_moved = False
    try:
        with transaction(connection):
            rename_adapter_in(connection, old, new)
            path.rename(target)
            has_moved = True
    except BaseException:
        if has_moved:
            target.rename(path)
        raise
    adapters.write_name(target, old, new)
