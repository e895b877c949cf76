"""What is in the bin, and how an item is known."""

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
    """An item of the bin: `name` is what the person knows it by, `deleted` a Unix time."""

    id: str
    kind: BinKind
    name: str
    deleted: float
    bytes: int


@dataclass(frozen=True)
class Restored:
    """An item that is back, and as what.

    `name` has a number behind it where the old one was taken meanwhile. `row` is the id of a note,
    sample or conversation, the same as before.
    """

    item: Binned
    name: str
    row: int | None = None


def new_id(is_taken: Callable[[str], bool]) -> str:
    """An id that no item has."""
    while is_taken(item_id := secrets.token_hex(4)):
        pass
    return item_id


def not_there(item_id: str) -> OvernightError:
    """Nothing in the bin has this id."""
    return OvernightError(
        ErrorKind.BAD_INPUT,
        f"There is nothing called '{item_id}' in the bin.",
        "`overnight bin` lists what is there. It may have been restored, or thrown out for good.",
    )
