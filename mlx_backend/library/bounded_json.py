"""JSON files that somebody else made, read within bounds of size and depth."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path

LARGEST = 4 << 20
"""Bytes; the largest config.json known takes a tenth of that."""

_DEEPEST = 64
# A string that nothing ends goes to the end of the text, so that each character is read once.
_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[][{}]', re.DOTALL)


def read_object(path: Path, largest: int = LARGEST) -> dict[str, object]:
    """The JSON object in a file.

    Raises ValueError where the file is larger than `largest` bytes, is no UTF-8 or no JSON object,
    is nested too deeply, or says the same thing twice; and OSError where it cannot be read.
    """
    with path.open("rb") as file:
        data = file.read(largest + 1)
    if len(data) > largest:
        raise ValueError(f"{path.name} is larger than {largest:,} bytes")
    return parse_object(data.decode("utf-8"))


def parse_object(text: str) -> dict[str, object]:
    """The JSON object that a text is; raises ValueError as `read_object` does.

    Infinity is taken, because Python writes it and configurations of recurrent models hold it.
    """
    _check_depth(text)
    found = json.loads(text, object_pairs_hook=_each_once, parse_constant=_constant)
    if not isinstance(found, dict):
        raise ValueError("it is no JSON object")
    return found


def _check_depth(text: str) -> None:
    depth = 0
    for found in _STRING_OR_BRACKET.finditer(text):
        if found[0] in ("[", "{"):
            depth += 1
            if depth > _DEEPEST:
                raise ValueError(f"it is nested more than {_DEEPEST} deep")
        elif found[0] in ("]", "}"):
            depth -= 1


def _each_once(pairs: Iterable[tuple[str, object]]) -> dict[str, object]:
    fields: dict[str, object] = {}
    for key, value in pairs:
        if key in fields:
            raise ValueError(f"it has two values for {key[:40]!r}")
        fields[key] = value
    return fields


def _constant(text: str) -> float:
    if text == "NaN":
        raise ValueError("it holds NaN in place of a number")
    return float(text)
