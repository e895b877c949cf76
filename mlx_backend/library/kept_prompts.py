"""What models have read of the last conversations, kept over restarts: a folder each.

All of it can be computed again, so it is bounded in size, goes with the conversation, adapter or
model that it is of, not into the bin, and is ignored where it is damaged.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from mlx_backend.files import (
    remove_folder,
    sha256_of_file,
    sweep_leftovers,
    write_atomically,
    write_folder_atomically,
)
from mlx_backend.library.adapters import card_of, id_of
from mlx_backend.library.home import Library
from mlx_backend.library.models import CARD as MODEL_CARD

MOST_BYTES = 2 << 30
"""Of all that is kept."""

_MOST = 12  # conversations
_DISK_SHARE = 0.1  # of the free disk, at most
_CARD = "card.json"


class PromptCard(msgspec.Struct, frozen=True, kw_only=True):
    """Of what a folder is, and what makes sure that it is whole.

    conversation: its id. base_sha256: of the base model's weights. adapters: a key of their
    contents and weights; adapter_ids: theirs. made_with: versions of what computed it. files: the
    SHA-256 of each file, by name. saved: Unix time.
    """

    conversation: int
    base_sha256: str
    adapters: str
    adapter_ids: tuple[str, ...]
    made_with: tuple[str, ...]
    files: dict[str, str]
    saved: float


@dataclass(frozen=True)
class KeptPrompt:
    """A folder and its card."""

    path: Path
    card: PromptCard
    bytes: int


class _Model(msgspec.Struct):
    sha256: str


def kept_prompts(library: Library) -> list[KeptPrompt]:
    """All that is kept, the newest first; what has no sound card is left out."""
    found = []
    for path in library.prompts.iterdir() if library.prompts.is_dir() else ():
        with contextlib.suppress(OSError, ValueError, RecursionError):
            card = msgspec.json.decode((path / _CARD).read_bytes(), type=PromptCard)
            size = sum(file.stat().st_size for file in path.iterdir())
            if not path.name.startswith("."):
                found.append(KeptPrompt(path, card, size))
    return sorted(found, key=lambda kept: kept.card.saved, reverse=True)


def is_whole(kept: KeptPrompt) -> bool:
    """Whether all its files are as they were written."""
    try:
        return all(
            Path(name).name == name and sha256_of_file(kept.path / name) == sha256
            for name, sha256 in kept.card.files.items()
        )
    except (OSError, ValueError):
        return False


def keep_prompt(
    library: Library, card: PromptCard, size: int, write: Callable[[Path], None]
) -> None:
    """Keep a prompt in place of the one of the same conversation, model and adapters.

    `write` writes about `size` bytes of files into a folder. `card.files` and `saved` are filled
    in. Does nothing where it would take too much of the disk. Raises OSError as writing does.
    """
    library.prompts.mkdir(mode=0o700, exist_ok=True)
    free = shutil.disk_usage(library.prompts).free
    if size > min(MOST_BYTES // 2, _DISK_SHARE * free):
        return
    before = [kept for kept in kept_prompts(library) if _is_same(kept.card, card)]

    def fill(folder: Path) -> None:
        write(folder)
        files = {path.name: sha256_of_file(path) for path in folder.iterdir()}
        full = msgspec.structs.replace(card, files=files, saved=time.time())
        write_atomically(folder / _CARD, msgspec.json.encode(full))

    name = f"{card.conversation}-{time.time_ns():x}"
    write_folder_atomically(library.prompts / name, fill)
    for kept in before:
        forget(kept.path)


def forget(folder: Path) -> None:
    """Remove a folder of what was kept; what cannot be removed now goes another time."""
    with contextlib.suppress(OSError):
        remove_folder(folder)


def forget_gone(library: Library, connection: sqlite3.Connection) -> None:
    """Remove what is kept of conversations, adapters and models that are not there any more.

    Also what is too old to be kept beside the rest, and what killed processes left.
    """
    with contextlib.suppress(OSError):  # what is left goes the next time
        _forget_gone(library, connection)


def _forget_gone(library: Library, connection: sqlite3.Connection) -> None:
    if not library.prompts.is_dir():
        return
    sweep_leftovers(library.prompts)
    there = {row[0] for row in connection.execute("SELECT id FROM conversations")}
    adapters, models = _adapter_ids(library.adapters), _model_hashes(library.models)
    stays, room = set(), MOST_BYTES
    for kept in kept_prompts(library)[:_MOST]:
        card = kept.card
        room -= kept.bytes
        is_of_there = card.conversation in there and card.base_sha256 in models
        if room >= 0 and is_of_there and adapters.issuperset(card.adapter_ids):
            stays.add(kept.path)
    for path in library.prompts.iterdir():
        if path not in stays and not path.name.startswith("."):
            forget(path)


def _is_same(one: PromptCard, other: PromptCard) -> bool:
    return (one.conversation, one.base_sha256, one.adapters) == (
        other.conversation,
        other.base_sha256,
        other.adapters,
    )


def _adapter_ids(folder: Path) -> set[str]:
    found = set()
    for path in folder.iterdir() if folder.is_dir() else ():
        card = card_of(path)
        if card is not None:
            found.add(id_of(card, path.name))
    return found


def _model_hashes(folder: Path) -> set[str]:
    found = set()
    for path in folder.iterdir() if folder.is_dir() else ():
        with contextlib.suppress(OSError, ValueError, RecursionError):
            found.add(msgspec.json.decode((path / MODEL_CARD).read_bytes(), type=_Model).sha256)
    return found
