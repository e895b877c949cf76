"""The commands for adapters: list, remove, rename, export."""

from __future__ import annotations

import argparse
import time

from mlx_backend.cli.bin import as_results, in_bin_sentence, purge_bin
from mlx_backend.cli.console import Console
from mlx_backend.library import Library, database
from mlx_backend.library import adapters as store
from mlx_backend.library.adapter_renaming import rename_adapter
from mlx_backend.library.bin import Bin


def list_adapters(options: argparse.Namespace, console: Console) -> dict[str, object]:
    """`overnight adapters`."""
    folder = Library.open().adapters
    found, damaged = store.list_adapters(folder), store.list_damaged(folder)
    if found:
        console.table(
            ["Name", "Base", "Created", "MB"],
            [
                (
                    a.card.name,
                    a.card.base,
                    time.strftime("%Y-%m-%d %H:%M", time.localtime(a.card.created)),
                    f"{a.bytes / 1e6:.1f}",
                )
                for a in found
            ],
        )
    else:
        console.say("No adapters yet. Train one: overnight train --name NAME")
    for one in damaged:
        console.say(
            f"The adapter '{one.name}' is damaged and cannot be used. Remove it with"
            f' `overnight remove "{one.name}"` and train it again.'
        )
    return {
        "adapters": [
            {
                "name": a.card.name,
                "base": a.card.base,
                "created": a.card.created,
                "bytes": a.bytes,
                "steps": a.card.steps,
                "valid_loss": a.card.valid_loss,
            }
            for a in found
        ],
        "damaged": [{"name": one.name, "bytes": one.bytes} for one in damaged],
    }


def remove(options: argparse.Namespace, console: Console) -> dict[str, object]:
    """`overnight remove NAME`: move an adapter to the bin, or with --now delete it for good."""
    library = Library.open()
    with database.opened(library.database) as connection:
        if options.now:
            Bin(library, connection).delete_adapter_now(options.name)
            console.say(f"“{options.name}” has been deleted for good.")
            return {"removed": options.name, "bin": []}
        item = Bin(library, connection).delete_adapter(options.name)
        console.say(in_bin_sentence(library, [item]))
        purge_bin(library, connection)
    return {"removed": options.name, "bin": as_results([item])}


def rename(options: argparse.Namespace, console: Console) -> dict[str, object]:
    """`overnight rename OLD NEW`."""
    library = Library.open()
    with database.opened(library.database) as connection:
        new = rename_adapter(library, connection, options.old, options.new)
    console.say(f"Renamed “{options.old}” to “{new}”.")
    return {"adapter": new}
