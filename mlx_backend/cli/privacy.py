"""The command `overnight privacy NAME`: what would leave with an adapter."""

from __future__ import annotations

import argparse
import sqlite3
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from mlx_backend.cli.console import Console
from mlx_backend.cli.following import counting
from mlx_backend.cli.privacy_page import lines_of
from mlx_backend.cli.waits import tell_wait
from mlx_backend.library import Library, database
from mlx_backend.library.adapters import Adapter, read_adapter

if TYPE_CHECKING:
    from mlx_backend.adapters.privacy.gate import Watcher
    from mlx_backend.protocol.privacy import PrivacyPage


def privacy(options: argparse.Namespace, console: Console) -> dict[str, object]:
    """Print the privacy page of an adapter's own folder."""
    from mlx_backend.machine import accelerator

    accelerator.prepare()
    from mlx_backend.adapters.privacy.gate import Leaving, Watcher, privacy_page
    from mlx_backend.adapters.privacy.kept_pages import known_already, with_files
    from mlx_backend.adapters.privacy.learned import learned_notes
    from mlx_backend.adapters.privacy.shown_pages import mark_shown, page_id

    library = Library.open()
    adapter = read_adapter(library.adapters, options.name)
    with counting() as tell, database.opened(library.database) as connection:
        watcher = Watcher(tell, lambda: False)
        leaving = Leaving([adapter.path])
        if not learned_notes(library, connection, adapter):
            page = privacy_page(library, connection, adapter, None, leaving, watcher)
        else:
            known = known_already(library, connection, adapter)
            known = known or _tested(library, connection, adapter, watcher, console)
            page = with_files(library, connection, adapter, known, leaving, watcher)
    for line in lines_of(page):
        console.say(line)
    if not page.is_clear:
        mark_shown(library, adapter, page_id(adapter, page))
    told: dict[str, object] = msgspec.to_builtins(page)
    return told | {"is_clear": page.is_clear}


def _tested(
    library: Library,
    connection: sqlite3.Connection,
    adapter: Adapter,
    watcher: Watcher,
    console: Console,
) -> PrivacyPage:
    """Test the adapter on its base model, in the lane of the GPU."""
    from mlx_backend.adapters.privacy.kept_pages import remembered
    from mlx_backend.jobs.lane import Turn, in_the_lane
    from mlx_backend.models.base_model import base_for, load_base_model

    base = base_for(library, [adapter], adapter.card.base)
    with in_the_lane(library, Turn(partial(tell_wait, console)), base):
        return remembered(library, connection, adapter, load_base_model(library, base), watcher)
