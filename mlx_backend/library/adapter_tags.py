"""Tags: short words that a person gives an adapter to find it by.

They are on its card, so they stay when it is renamed, go into the bin with it and come back with
it. No export has them.
"""

from __future__ import annotations

import msgspec

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.files import write_atomically
from mlx_backend.library.adapters import CARD, card_of, encode_card, folder_of
from mlx_backend.library.bin.folders import FolderBin
from mlx_backend.library.home import Library

MOST_TAGS = 12
LONGEST_TAG = 30
"""In characters; what is longer is cut."""


def tags_in(text: str) -> tuple[str, ...]:
    """The tags that a text with commas means: each once, whatever its case, and as many as fit."""
    found: dict[str, str] = {}
    for part in text.split(","):
        seen = "".join(c if c.isprintable() else " " for c in part)
        tag = " ".join(seen.split())[:LONGEST_TAG].strip()
        if tag:
            found.setdefault(tag.casefold(), tag)
    return tuple(found.values())[:MOST_TAGS]


def set_tags(library: Library, name: str, tags: tuple[str, ...]) -> None:
    """Give the adapter `name` these tags, and no others.

    Raises OvernightError when there is no such adapter or its card cannot be read, and OSError.
    """
    with FolderBin(library.bin).alone():
        path = folder_of(library.adapters, name)
        card = card_of(path)
        if card is None or path.is_symlink():
            raise OvernightError(
                ErrorKind.ADAPTER_DAMAGED,
                f"The tags of '{name}' could not be changed: its card cannot be written.",
                "Only a whole adapter in the library's own folder can have tags.",
            )
        card = msgspec.structs.replace(card, tags=tags)
        write_atomically(path / CARD, encode_card(card))
