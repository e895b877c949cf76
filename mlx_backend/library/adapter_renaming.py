"""Renaming an adapter everywhere that its name is stored."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.library import adapters
from mlx_backend.library.adapter_names import check_name
from mlx_backend.library.bin.folders import FolderBin
from mlx_backend.library.database import transaction
from mlx_backend.library.home import Library
from mlx_backend.library.in_use import require_unused
from mlx_backend.library.learned_notes import rename_adapter_in


def rename_adapter(library: Library, connection: sqlite3.Connection, old: str, new: str) -> str:
    """Rename an adapter: its folder, its card, and every mention in the database.

    Returns the new name in its normal form. Raises OvernightError when there is no such adapter,
    when the new name is taken or not allowed, or when a running job needs the adapter.
    """
    new = check_name(new)
    with FolderBin(library.bin).alone():
        path = adapters.folder_of(library.adapters, old)
        if path.name == new:
            return new
        other = adapters.name_taken(library.adapters, new)
        if other not in (None, path.name):
            raise OvernightError(
                ErrorKind.ADAPTER_EXISTS,
                f"There is already an adapter called '{other}'.",
                "Choose another name.",
            )
        require_unused(library, "adapter", path.name)
        _rename(connection, path, library.adapters / new)
    return new


def _rename(connection: sqlite3.Connection, path: Path, target: Path) -> None:
    old, new = path.name, target.name
    # The card first: if this process is killed from here on, `Bin.purge` finishes the renaming.
    adapters.write_name(path, old, new, was=old)
    has_moved = False
    try:
        with transaction(connection):
            rename_adapter_in(connection, old, new)
            path.rename(target)
            has_moved = True
    except BaseException:
        if has_moved:
            target.rename(path)
        with contextlib.suppress(OSError):
            adapters.write_name(path, old, old)
        raise
    with contextlib.suppress(OSError):
        adapters.write_name(target, new, new)
