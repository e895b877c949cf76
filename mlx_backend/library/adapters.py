"""Adapters in the library: a folder each, with weights, mlx-lm's configuration and our card."""

from __future__ import annotations

import hashlib
import secrets
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.files import folder_bytes, folder_removed, write_atomically
from mlx_backend.library.adapter_names import is_folder_name, normal_name, same_among, shortened

WEIGHTS = "adapters.safetensors"
CONFIG = "adapter_config.json"
CARD = "card.json"


class Parent(msgspec.Struct, frozen=True, kw_only=True):
    """An adapter that another was made of: its id, its name at that time, and its weight."""

    id: str
    name: str
    weight: float = 1.0


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where an adapter that somebody else made came from.

    received: Unix time in seconds. form: that of its files. place: the repository on the Hub, or
    the name of the file or folder. by, fingerprint: of the signature that holds, "" without one.
    licence: the id of the licence that it came with, "" where it names none.
    """

    received: float
    form: str
    place: str
    by: str = ""
    fingerprint: str = ""
    licence: str = ""


class OpenBook(msgspec.Struct, frozen=True, kw_only=True):
    """How a reader answers from passages with its adapter and without, as its night measured.

    told, untold: how many questions were asked with the right passage among others, and without it.
    base_right, adapter_right: right answers to the former; base_declined, adapter_declined:
    the latter that were declined; right, declined: the same as it is done from now on. by_base:
    whether the base model words such answers.
    again_from: the log-odds (nats) of "yes" from which on it words one that the adapter declines,
    None where it never does; the odds are those of `asking.answerability`.
    """

    told: int = 0
    untold: int = 0
    base_right: int = 0
    base_declined: int = 0
    adapter_right: int = 0
    adapter_declined: int = 0
    right: int = 0
    declined: int = 0
    by_base: bool = False
    again_from: float | None = None

    def goes_again(self, odds: float | None) -> bool:
        """Whether the base model words an answer that the adapter declines, at these odds."""
        return self.again_from is not None and (odds is None or odds >= self.again_from)


class AdapterCard(msgspec.Struct, frozen=True, kw_only=True):
    """What we record about an adapter: its base model, how it was trained, and the losses reached.

    `id` identifies the adapter for good; its name can change, and can pass to another adapter.
    `was` is the old name while a renaming is under way, else "". `decomposed` is True for DoRA,
    `embeddings` where the token embeddings have an adapter too.
    `created` is Unix time in seconds; held-out losses are in nats per token, `train_loss` is the
    mean of the last steps' `protocol.StepDone.loss`, whose targets are weighted; None where no run
    here trained it.
    `parents` are those that it was made of: the one that its run went on from, or several that were
    merged; `lost` is the share of their exact sum that was lost by merging in a lower rank.
    `origin` is None of what was made here. `tags` are words that the person gave it.
    `open_book` is None where that was not measured.
    """

    name: str
    was: str = ""
    id: str = ""
    base: str
    base_sha256: str
    created: float
    run: str
    rank: int
    scale: float
    lost: float = 0.0
    decomposed: bool = False
    embeddings: bool = False
    steps: int
    notes: int
    samples: int
    train_loss: float | None = None
    valid_loss: float | None = None
    base_valid_loss: float | None = None
    overnight: str = ""
    parents: tuple[Parent, ...] = ()
    origin: Origin | None = None
    tags: tuple[str, ...] = ()
    open_book: OpenBook | None = None


@dataclass(frozen=True)
class Adapter:
    """An adapter for lists; `bytes` is the size of its folder."""

    card: AdapterCard
    path: Path
    bytes: int

    @property
    def name(self) -> str:
        """The adapter's name."""
        return self.card.name


@dataclass(frozen=True)
class DamagedAdapter:
    """A folder among the adapters that cannot be used; the only thing to do is remove it."""

    name: str
    path: Path
    bytes: int


def name_taken(folder: Path, name: str) -> str | None:
    """The name in `folder` that counts as the same as `name`; None when there is none."""
    there = (path.name for path in folder.iterdir()) if folder.is_dir() else ()
    return same_among(name, there)


def require_free_name(folder: Path, name: str) -> None:
    """Raise OvernightError where an adapter in `folder` has the same name."""
    taken = name_taken(folder, name)
    if taken is not None:
        raise OvernightError(
            ErrorKind.ADAPTER_EXISTS,
            f"There is already an adapter called '{taken}'.",
            "Choose another name.",
        )


def free_name(folder: Path, wanted: str) -> str:
    """`wanted`, or `wanted` with a number appended when it is taken."""
    name, number = wanted, 1
    while name_taken(folder, name) is not None:
        number += 1
        name = shortened(wanted, f" {number}")
    return name


def list_adapters(folder: Path) -> list[Adapter]:
    """All adapters that can be used, newest first."""
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
    """The damaged adapters, sorted by name."""
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
    """The adapter called `name`. Raises OvernightError when there is none or it is damaged."""
    path = folder_of(folder, name)
    try:
        card = msgspec.json.decode((path / CARD).read_bytes(), type=AdapterCard)
        complete = (path / WEIGHTS).stat().st_size > 0 and (path / CONFIG).stat().st_size > 0
    except (OSError, UnicodeDecodeError, RecursionError, msgspec.DecodeError) as error:
        raise _damaged(name, str(error)) from error
    if not complete:
        raise _damaged(name, "an empty file")
    # The folder's name is the adapter's: a copied or renamed folder must not pass for the original.
    own = id_of(card, path.name)
    card = msgspec.structs.replace(card, name=path.name, was="", id=own)
    return Adapter(card=card, path=path, bytes=folder_bytes(path))


def find_adapter(folder: Path, adapter_id: str, name: str) -> Adapter:
    """The adapter with this id, whatever its name is now. When the id is "", by `name` instead.

    Raises OvernightError when it is gone, even if another adapter has its name by now.
    """
    if not adapter_id:
        return read_adapter(folder, name)
    for adapter in list_adapters(folder):
        if adapter.card.id == adapter_id:
            return adapter
    raise OvernightError(
        ErrorKind.ADAPTER_UNKNOWN,
        f"The adapter '{name}' is no longer there.",
        "If it is in the bin, restore it: `overnight bin` lists what is there.",
    )


def new_id() -> str:
    """A new random id, for an adapter that is about to be filed."""
    return secrets.token_hex(8)


def id_of(card: AdapterCard, name: str) -> str:
    """The id of the adapter in a folder called `name`; a copy made by hand gets its own id."""
    own = card.id or _digest(card.run, repr(card.created))
    return own if name in (card.name, card.was) else _digest(own, name)


def card_of(path: Path) -> AdapterCard | None:
    """The card in an adapter's folder, unchanged; None when it is missing or damaged."""
    try:
        return msgspec.json.decode((path / CARD).read_bytes(), type=AdapterCard)
    except (OSError, UnicodeDecodeError, RecursionError, msgspec.DecodeError):
        return None


def write_name(path: Path, old: str, new: str, was: str = "") -> None:
    """Write `new` as the name into the card of an adapter that was called `old`.

    A damaged card is left alone, and so is one outside the library (behind a symbolic link).
    Raises OSError.
    """
    card = card_of(path)
    if card is not None and not path.is_symlink():
        card = msgspec.structs.replace(card, name=new, was=was, id=id_of(card, old))
        write_atomically(path / CARD, encode_card(card))


def half_renamed(folder: Path) -> list[tuple[Path, AdapterCard]]:
    """The folders, with their cards, of adapters whose renaming was interrupted."""
    paths = [path for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []
    cards = [(path, card_of(path)) for path in paths if is_folder_name(path.name)]
    return [(path, card) for path, card in cards if card is not None and card.was]


def encode_card(card: AdapterCard) -> bytes:
    """A card as the bytes of its JSON file."""
    return msgspec.json.format(msgspec.json.encode(card), indent=2) + b"\n"


def adapter_removed(folder: Path, name: str) -> AbstractContextManager[None]:
    """`files.folder_removed` for an adapter's folder, even a damaged one: gone after the block.

    Of a symbolic link, only the link is removed. Raises OvernightError when there is no such
    adapter.
    """
    return folder_removed(folder_of(folder, name))


def folder_of(folder: Path, name: str) -> Path:
    """The folder of an adapter, even a damaged one. Raises OvernightError when there is none."""
    if is_folder_name(name) and (folder / name).is_dir():
        return folder / name
    # The file system may store the name in another Unicode normal form than was typed.
    for path in folder.iterdir() if folder.is_dir() else ():
        same = normal_name(path.name) == normal_name(name)
        if same and is_folder_name(path.name) and path.is_dir():
            return path
    raise OvernightError(
        ErrorKind.ADAPTER_UNKNOWN,
        f"There is no adapter called '{name}'.",
        "`overnight adapters` lists all adapters, `overnight bin` what was deleted.",
    )


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _damaged(name: str, detail: str) -> OvernightError:
    return OvernightError(
        ErrorKind.ADAPTER_DAMAGED,
        f"The adapter '{name}' is damaged.",
        f'Remove it with `overnight remove "{name}"` and train it again.',
        detail,
    )
