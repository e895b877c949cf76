"""Recording on an adapter's card how questions are answered from passages with it."""

from __future__ import annotations

import msgspec

from mlx_backend.errors import OvernightError
from mlx_backend.files import write_atomically
from mlx_backend.library.adapters import CARD, AdapterCard, OpenBook, encode_card, find_adapter
from mlx_backend.library.bin.folders import FolderBin
from mlx_backend.library.home import Library


def record_open_book(library: Library, card: AdapterCard, found: OpenBook) -> bool:
    """Write what was measured of the adapter of a card, whatever its name is by now.

    Returns False where it is gone. Raises OSError.
    """
    with FolderBin(library.bin).alone():
        try:
            adapter = find_adapter(library.adapters, card.id, card.name)
        except OvernightError:
            return False
        changed = msgspec.structs.replace(adapter.card, open_book=found)
        write_atomically(adapter.path / CARD, encode_card(changed))
    return True
