"""The command `overnight privacy NAME`: what would leave with an adapter."""

from __future__ import annotations

import argparse

import msgspec

from mlx_backend.cli.console import Console
from mlx_backend.cli.privacy_page import lines_of
from mlx_backend.library import Library, database
from mlx_backend.library.adapters import read_adapter

_TOLD = {
    "files": "Looking through the files",
    "secrets": "Testing what the adapter remembers of secrets",
    "canaries": "Testing how well it remembers the invented codes that were trained along",
    "passages": "Letting it go on with your most private passages",
}


def privacy(options: argparse.Namespace, console: Console) -> dict[str, object]:
    """Print the privacy page of an adapter's own folder."""
    from mlx_backend.machine import accelerator

    accelerator.prepare()
    from mlx_backend.adapters.privacy.gate import Leaving, Watcher, privacy_page
    from mlx_backend.adapters.privacy.kept_pages import remembered, with_files
    from mlx_backend.adapters.privacy.learned import learned_notes
    from mlx_backend.models.base_model import base_for, load_base_model

    library = Library.open()
    adapter = read_adapter(library.adapters, options.name)
    watcher = Watcher(Progress(console).tell, lambda: False)
    with database.opened(library.database) as connection:
        loaded = None
        if learned_notes(library, connection, adapter):
            loaded = load_base_model(library, base_for(library, [adapter], adapter.card.base))
        leaving = Leaving([adapter.path])
        if loaded is None:
            page = privacy_page(library, connection, adapter, None, leaving, watcher)
        else:
            known = remembered(library, connection, adapter, loaded, watcher)
            page = with_files(library, connection, adapter, known, leaving, watcher)
    for line in lines_of(page):
        console.say(line)
    told: dict[str, object] = msgspec.to_builtins(page)
    return told | {"is_clear": page.is_clear}


class Progress:
    """Tells what is looked at, once for each kind of thing."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._told = ""

    def tell(self, what: str, _: int, of: int) -> None:
        if what != self._told:
            self._told = what
            self._console.note(f"{_TOLD[what]} ({of:,}) ...")
