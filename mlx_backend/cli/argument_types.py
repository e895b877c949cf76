"""What the values of options are: paths, numbers and the like, read from the command line."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from pathlib import Path

Number = TypeVar("Number", int, float)


def path(text: str) -> Path:
    """A path; an empty one is refused."""
    from pathlib import Path  # here, because it takes a third of the time of `overnight --help`

    if not text:
        raise argparse.ArgumentTypeError("the path is empty")  # Path("") is the working directory
    try:
        Path(text).expanduser()
    except RuntimeError:
        user = text.partition("/")[0]
        raise argparse.ArgumentTypeError(f"there is no home folder '{user}'") from None
    return Path(text)


def moment(text: str) -> str:
    """A time of day, or a date and time, as `night.clock_times` has them."""
    from mlx_backend.night.clock_times import check_moment

    try:
        return check_moment(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"'{text}' is not a time such as 23:00 or 2030-12-31T23:00"
        ) from None


def number(text: str, kind: Callable[[str], Number]) -> Number:
    """A number of a kind; anything else is refused in words."""
    try:
        return kind(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number") from None


def positive_int(text: str) -> int:
    """A whole number from 1."""
    value = number(text, int)
    if value < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return value


def port(text: str) -> int:
    """A port number; 0 lets the system choose."""
    value = number(text, int)
    if not 0 <= value <= 65535:
        raise argparse.ArgumentTypeError("must be from 0 to 65535")
    return value


def seed(text: str) -> int:
    """A seed of random numbers."""
    value = int(text)
    if not 0 <= value < 2**63:
        raise argparse.ArgumentTypeError("must be from 0 to 2^63 - 1")
    return value


def positive_float(text: str) -> float:
    """A finite number above 0."""
    value = number(text, float)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError("must be more than 0")
    return value


def temperature(text: str) -> float:
    """A temperature of sampling."""
    value = number(text, float)
    if not 0 <= value <= 5:
        raise argparse.ArgumentTypeError("must be from 0 to 5")
    return value


def share(text: str) -> float:
    """A share: more than 0, at most 1."""
    value = number(text, float)
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError("must be more than 0 and at most 1")
    return value


def weighted_adapter(text: str) -> tuple[str, float]:
    """NAME or NAME:WEIGHT; without one the weight is 1."""
    name, colon, weight = text.rpartition(":")
    if not colon:
        return text, 1.0
    try:
        value = float(weight)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{weight}' is not a weight") from None
    if not -10 <= value <= 10:
        raise argparse.ArgumentTypeError("a weight must be from -10 to 10")
    return name, value
