"""Adapters in the library: folders with weights, mlx-lm's configuration, and our card."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import msgspec

from mlx_backend.errors import Kind, OvernightError
from mlx_backend.files import folder_bytes
from mlx_backend.library.names import is_folder_name, normal_name, same_among, shortened

WEIGHTS = "adapters.safetensors"
CONFIG = "adapter_config.json"
CARD = "card.json"


class AdapterCard(msgspec.Struct, frozen=True, kw_only=True):
    """What an adapter is: its base, how it was made, and what the training reached.

    `decomposed` adapters are of the kind DoRA.
    """

    name: str
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


def name_taken(folder: Path, name: str) -> str | None:
    """What is in the place of an adapter of this name: its own name, or None for nothing."""
    there = (path.name for path in folder.iterdir()) if folder.is_dir() else ()
    return same_among(name, there)


def free_name(folder: Path, wanted: str) -> str:
    """The name that is wanted, or with a number behind it where that is taken."""
    name, number = wanted, 1
    while name_taken(folder, name) is not None:
        number += 1
        name = shortened(wanted, f" {number}")
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
        if not path.is_dir() or not is_folder_name(path.name):
            continue
        try:
            read_adapter(folder, path.name)
        except OvernightError:
            found.append(DamagedAdapter(path.name, path, folder_bytes(path)))
    return sorted(found, key=lambda adapter: adapter.name)


def read_adapter(folder: Path, name: str) -> Adapter:
    """One adapter by name. Raises OvernightError when it is unknown or damaged."""
    path = _folder_of(folder, name)
    try:
        card = msgspec.json.decode((path / CARD).read_bytes(), type=AdapterCard)
        complete = (path / WEIGHTS).stat().st_size > 0 and (path / CONFIG).stat().st_size > 0
    except (OSError, UnicodeDecodeError, RecursionError, msgspec.DecodeError) as error:
        raise _damaged(name, str(error)) from error
    if not complete:
        raise _damaged(name, "an empty file")
    # The folder's name is the adapter's: a copied or renamed folder must not pass for the original.
    card = msgspec.structs.replace(card, name=path.name)
    return Adapter(card=card, path=path, bytes=folder_bytes(path))


def remove_adapter(folder: Path, name: str) -> None:
    """Delete an adapter; also one that is damaged. Raises OvernightError when it is unknown."""
    path = _folder_of(folder, name)
    # Renamed first, so that a deletion cut short never leaves half an adapter under its name.
    doomed = folder / f".{path.name}.removed"
    shutil.rmtree(doomed, ignore_errors=True)
    path.rename(doomed)
    shutil.rmtree(doomed)


def _folder_of(folder: Path, name: str) -> Path:
    if is_folder_name(name) and (folder / name).is_dir():
        return folder / name
    # A disk may hold its names in another form than the one that was typed.
    for path in folder.iterdir() if folder.is_dir() else ():
        same = normal_name(path.name) == normal_name(name)
        if same and is_folder_name(path.name) and path.is_dir():
            return path
    raise OvernightError(
        Kind.ADAPTER_UNKNOWN,
        f"There is no adapter called '{name}'.",
        "`overnight adapters` lists those that there are.",
    )


def _damaged(name: str, detail: str) -> OvernightError:
    return OvernightError(
        Kind.ADAPTER_DAMAGED,
        f"The adapter '{name}' is damaged.",
        f'Remove it with `overnight remove "{name}"` and train it again.',
        detail,
    )
