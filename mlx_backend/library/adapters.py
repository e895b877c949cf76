"""Adapters in the library: folders with weights, mlx-lm's configuration, and our card."""

from __future__ import annotations

import hashlib
import re
import shutil
import unicodedata
from dataclasses import dataclass
from pathlib import Path

import msgspec

from mlx_backend.errors import Kind, OvernightError
from mlx_backend.files import folder_bytes, write_atomically

WEIGHTS = "adapters.safetensors"
CONFIG = "adapter_config.json"
CARD = "card.json"

LONGEST_NAME = 64

_NAME = re.compile(rf"[A-Za-z0-9][A-Za-z0-9 ._-]{{0,{LONGEST_NAME - 1}}}")


class AdapterCard(msgspec.Struct, frozen=True, kw_only=True):
    """What an adapter is: its base, how it was made, and what the training reached.

    `decomposed` adapters are of the kind DoRA. `id` is what an adapter is known by: its name can
    change, and another one can get it.
    """

    name: str
    id: str = ""
    base: str
    base_sha256: str
    created: float
    run: str
    rank: int
    scale: float
    decomposed: bool = False
    steps: int
    notes: int
    samples: int
    train_loss: float
    valid_loss: float | None = None
    base_valid_loss: float | None = None
    overnight: str = ""


@dataclass(frozen=True)
class Adapter:
    """An adapter as a list shows it."""

    card: AdapterCard
    path: Path
    bytes: int

    @property
    def name(self) -> str:
        """What it is called."""
        return self.card.name


@dataclass(frozen=True)
class DamagedAdapter:
    """What is in an adapter's place and cannot be used: all that can be done is to remove it."""

    name: str
    path: Path
    bytes: int


def check_name(name: str) -> str:
    """Return `name` if a folder can be called so on every system, else raise OvernightError."""
    if not _NAME.fullmatch(name) or name != name.strip() or name.endswith("."):
        raise OvernightError(
            Kind.BAD_INPUT,
            f"'{name}' cannot be the name of an adapter.",
            "Use up to 64 letters, digits, spaces, dots, dashes and underscores,"
            " starting with a letter or digit.",
        )
    return name


def list_adapters(folder: Path) -> list[Adapter]:
    """All adapters whose card can be read, the newest first."""
    found = []
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.name.startswith(".") or not (path / CARD).is_file():
            continue
        try:
            found.append(read_adapter(folder, path.name))
        except OvernightError:
            continue
    return sorted(found, key=lambda adapter: adapter.card.created, reverse=True)


def list_damaged(folder: Path) -> list[DamagedAdapter]:
    """All that should be adapters and cannot be used, by name."""
    found = []
    for path in folder.iterdir() if folder.is_dir() else ():
        if not path.is_dir() or not _NAME.fullmatch(path.name):
            continue
        try:
            read_adapter(folder, path.name)
        except OvernightError:
            found.append(DamagedAdapter(path.name, path, folder_bytes(path)))
    return sorted(found, key=lambda adapter: adapter.name)


def read_adapter(folder: Path, name: str) -> Adapter:
    """One adapter by name. Raises OvernightError when it is unknown or damaged."""
    path = folder_of(folder, name)
    try:
        card = msgspec.json.decode((path / CARD).read_bytes(), type=AdapterCard)
        complete = (path / WEIGHTS).stat().st_size > 0 and (path / CONFIG).stat().st_size > 0
    except (OSError, UnicodeDecodeError, RecursionError, msgspec.DecodeError) as error:
        raise _damaged(name, str(error)) from error
    if not complete:
        raise _damaged(name, "an empty file")
    # The folder's name is the adapter's: a copied or renamed folder must not pass for the original.
    card = msgspec.structs.replace(card, name=name, id=_identity(card, name))
    return Adapter(card=card, path=path, bytes=folder_bytes(path))


def free_name(folder: Path, name: str) -> str:
    """`name`, or with a number behind it where it is taken.

    Also where only case or the spelling of an accent is another: a Mac takes both for one.
    """
    free, number = name, 1
    while is_taken(folder, free):
        number += 1
        suffix = f" {number}"
        free = name[: LONGEST_NAME - len(suffix)].rstrip(" .") + suffix
    return free


def is_taken(folder: Path, name: str, but: str = "") -> bool:
    """Whether something other than `but` is called so in a folder, as a Mac compares names."""
    there = (path.name for path in folder.iterdir()) if folder.is_dir() else ()
    return any(_folded(each) == _folded(name) for each in there if each != but)


def write_name(path: Path, old: str, new: str) -> None:
    """Let the card in an adapter's folder, called `old`, say `new`; a damaged card stays."""
    try:
        card = msgspec.json.decode((path / CARD).read_bytes(), type=AdapterCard)
    except (OSError, UnicodeDecodeError, RecursionError, msgspec.DecodeError):
        return
    card = msgspec.structs.replace(card, name=new, id=_identity(card, old))
    write_atomically(path / CARD, encode_card(card))


def encode_card(card: AdapterCard) -> bytes:
    """A card as its file holds it."""
    return msgspec.json.format(msgspec.json.encode(card), indent=2) + b"\n"


def remove_adapter(folder: Path, name: str) -> None:
    """Delete an adapter; also one that is damaged. Raises OvernightError when it is unknown."""
    path = folder_of(folder, name)
    # Renamed first, so that a deletion cut short never leaves half an adapter under its name.
    doomed = folder / f".{name}.removed"
    shutil.rmtree(doomed, ignore_errors=True)
    path.rename(doomed)
    shutil.rmtree(doomed)


def folder_of(folder: Path, name: str) -> Path:
    """Where an adapter is, also a damaged one. Raises OvernightError when it is unknown."""
    if not _NAME.fullmatch(name) or not (folder / name).is_dir():
        raise OvernightError(
            Kind.ADAPTER_UNKNOWN,
            f"There is no adapter called '{name}'.",
            "`overnight adapters` lists those that there are.",
        )
    return folder / name


def _identity(card: AdapterCard, name: str) -> str:
    """The id of what is in a folder called `name`: a copy that was made by hand is another one."""
    own = card.id or _digest(card.run, repr(card.created))
    return own if card.name == name else _digest(own, name)


def _digest(*told: str) -> str:
    return hashlib.sha256("\0".join(told).encode()).hexdigest()[:16]


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _damaged(name: str, detail: str) -> OvernightError:
    return OvernightError(
        Kind.ADAPTER_DAMAGED,
        f"The adapter '{name}' is damaged.",
        f'Remove it with `overnight remove "{name}"` and train it again.',
        detail,
    )
