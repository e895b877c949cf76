"""The command for the bin, and what other commands say about it."""

from __future__ import annotations

import argparse
import contextlib
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import asdict

from mlx_backend.cli.console import Console
from mlx_backend.errors import OvernightError
from mlx_backend.library import Library, database
from mlx_backend.library.bin import Bin, Binned
from mlx_backend.settings import load_settings

_MOST_NAMED = 3


def show_bin(options: argparse.Namespace, console: Console) -> dict[str, object]:
    """`overnight bin`: list the bin; with an option, restore an item or empty the bin first."""
    library = Library.open()
    with database.opened(library.database) as connection:
        bin_ = Bin(library, connection)
        result: dict[str, object] = {}
        if options.restore is not None:
            restored = bin_.restore(options.restore)
            result["restored"] = restored.name
            console.say(_restored_sentence(restored.item, restored.name))
        elif options.empty:
            result["removed"] = bin_.empty()
            console.say(_emptied_sentence(bin_.items(), result["removed"] == 0))
        else:
            purge_bin(library, connection)
            _list(library, bin_.items(), console)
        return result | {"bin": as_results(bin_.items())}


def in_bin_sentence(library: Library, items: Sequence[Binned]) -> str:
    """A sentence that these items are in the bin, for how long, and how to restore them."""
    days = load_settings(library.settings).bin_days
    long = f"for {days} day{'s' * (days != 1)}" if days else "until you empty it"
    names = [f"“{item.name}”" for item in items[:_MOST_NAMED]]
    if len(items) > _MOST_NAMED:
        names.append(f"{len(items) - _MOST_NAMED:,} more")
    listed = " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
    if len(items) == 1:
        back = f"`overnight bin --restore {items[0].id}` restores it."
        return f"{listed} is in the bin {long}. {back}"
    return f"{listed} are in the bin {long}. `overnight bin` says how to restore them."


def as_results(items: Sequence[Binned]) -> list[dict[str, object]]:
    """Items as `--json` prints them."""
    return [asdict(item) for item in items]


def purge_bin(library: Library, connection: sqlite3.Connection) -> None:
    """Delete items whose days in the bin are over. If that fails, the next command tries again."""
    days = load_settings(library.settings).bin_days
    with contextlib.suppress(OvernightError, OSError, sqlite3.Error):
        Bin(library, connection).purge(days, time.time())


def _list(library: Library, items: Sequence[Binned], console: Console) -> None:
    if not items:
        console.say("The bin is empty.")
        return
    days = load_settings(library.settings).bin_days
    console.table(
        ["Id", "What", "Name", "Deleted", "MB", *(["Kept until"] if days else [])],
        [
            (
                item.id,
                item.kind,
                item.name,
                _day(item.deleted),
                f"{item.bytes / 1e6:.1f}",
                *([_day(item.deleted + days * 86_400)] if days else []),
            )
            for item in items
        ],
    )
    console.say("`overnight bin --restore ID` restores an item.")


def _restored_sentence(item: Binned, name: str) -> str:
    if name == item.name:
        return f"Restored “{name}”."
    return f"Restored “{item.name}” as “{name}”, because its old name is taken."


def _emptied_sentence(left: Sequence[Binned], was_empty: bool) -> str:
    if left:
        return "Something else was deleted meanwhile and is still in the bin."
    return "The bin was already empty." if was_empty else "The bin is empty now."


def _day(moment: float) -> str:
    return time.strftime("%Y-%m-%d", time.localtime(moment))
