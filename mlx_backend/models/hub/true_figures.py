"""What the Hub says of the catalogue's models now: sizes and licences, where it can be reached."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from mlx_backend.catalogue.entries import Entry
from mlx_backend.catalogue.repository_names import NEWEST
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.models.hub.access import Access
from mlx_backend.models.hub.repository import look_up
from mlx_backend.models.hub.wanted import wanted_files

_PATIENCE_S = 3.0
_IN_ALL_S = 8.0
_AT_ONCE = 6


@dataclass(frozen=True)
class TrueFigures:
    """Of one repository at the catalogue's commit: bytes to download, and the licence's id."""

    bytes: int
    licence: str


def ask_the_hub(entries: Sequence[Entry], access: Access) -> dict[str, TrueFigures]:
    """The Hub's own figures, by repository; those that it does not give in time are missing.

    Returns nothing where it cannot be reached, after three seconds. Takes eight at most.
    """
    found: dict[str, TrueFigures] = {}
    waiting = list(entries)
    if not waiting or not _ask(waiting.pop(), access, found):
        return {}
    askers = [
        # Daemons: the process does not wait at its end for an answer that does not come.
        threading.Thread(target=_ask_all, args=(waiting, access, found), daemon=True)
        for _ in range(_AT_ONCE)
    ]
    for asker in askers:
        asker.start()
    ends = time.monotonic() + _IN_ALL_S - _PATIENCE_S
    for asker in askers:
        asker.join(max(0.0, ends - time.monotonic()))
    return dict(found)


def _ask_all(waiting: list[Entry], access: Access, found: dict[str, TrueFigures]) -> None:
    while True:
        try:
            entry = waiting.pop()
        except IndexError:
            return
        _ask(entry, access, found)


def _ask(entry: Entry, access: Access, found: dict[str, TrueFigures]) -> bool:
    """Ask about one; False where the Hub could not be reached."""
    try:
        revision = entry.revision or NEWEST
        repository = look_up(entry.repo, revision, access, _PATIENCE_S)
        size = sum(file.size for file in wanted_files(repository))
    except OvernightError as error:
        return error.kind is not ErrorKind.OFFLINE
    found[entry.repo] = TrueFigures(size, repository.licence or entry.licence)
    return True
