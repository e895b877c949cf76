"""The items of the bin and their ids."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from mlx_backend.errors import ErrorKind, OvernightError

BinKind = Literal["adapter", "conversation", "model", "note", "sample"]

ITEM_ID = re.compile(r"[0-9a-f]{8}")


@dataclass(frozen=True)
class Binned:
    """An item of the bin. `name` is shown to the person; `deleted` is Unix time in seconds."""

    id: str
    kind: BinKind
    name: str
    deleted: float
    bytes: int


@dataclass(frozen=True)
class Restored:
    """An item that was restored.

    `name` is its name now, with a number appended when the old one was taken. `row` is the id of a
    note, sample or conversation, the same as before; None for adapters and models.
    """

    item: Binned
    name: str
    row: int | None = None


def new_id(is_taken: Callable[[str], bool]) -> str:
    """A random id for which `is_taken` is False."""
    while is_taken(item_id := secrets.token_hex(4)):
        pass
    return item_id


def not_there(item_id: str) -> OvernightError:
    """The error for an id that no item of the bin has."""
    return OvernightError(
        ErrorKind.BAD_INPUT,
        f"There is nothing called '{item_id}' in the bin.",
        "`overnight bin` lists what is there. It may have been restored or deleted for good.",
    )
