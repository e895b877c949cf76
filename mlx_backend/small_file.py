"""Small files with one JSON object each, such as settings; nothing in them is silently lost.

Several processes may change such a file: each writes only the fields that it changes, under a lock.
Unknown fields stay. A damaged file is copied to another name before a new one is written.
"""

from __future__ import annotations

import codecs
import datetime
import json
import re
import shutil
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.files import sync_path, write_atomically
from mlx_backend.locks import held

_PATIENCE_S = 5.0
_STRING_OR_LAST_COMMA = re.compile(r'("(?:\\.|[^"\\])*")|,(?=\s*[}\]])')
# A number that is not followed by one of these may be cut off.
_AFTER_NUMBER = re.compile(r"[\s,}\]/]")
_S = TypeVar("_S", bound=msgspec.Struct)
_decoder = json.JSONDecoder()


@dataclass(frozen=True)
class Found:
    """The content of a file; if it `is_damaged`, the fields that can be read.

    A file that `is_empty` exists without any content, perhaps because it was cut off.
    """

    fields: dict[str, object]
    is_damaged: bool = False
    is_empty: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether the file is complete: a field that is missing was never set."""
        return not self.is_damaged and not self.is_empty


@dataclass(frozen=True)
class Written:
    """The content of a file after writing, and where the damaged file before it was put, if any."""

    fields: dict[str, object]
    put_aside: Path | None = None


def read_object(path: Path, known: Collection[str]) -> Found:
    """Read a file; a missing or empty one has no fields.

    Of a damaged file, those fields with a `known` name are read that can be. Raises OSError when
    the file exists but cannot be read.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return Found({})
    text, is_whole = _decoded(data)
    if not text.strip():
        return Found({}, is_empty=True)
    fields = _parsed(text) if is_whole else None
    return Found(_salvaged(text, known), is_damaged=True) if fields is None else Found(fields)


def readable(fields: Mapping[str, object], kind: type[_S]) -> _S:
    """A struct of these fields; missing ones and those of a wrong type get their defaults."""
    known = kind.__struct_fields__
    kept = {name: fields[name] for name in known if name in fields and fits(name, fields, kind)}
    return msgspec.convert(kept, kind)


def change_object(
    path: Path,
    changes: Mapping[str, object],
    known: Collection[str],
    lost: Mapping[str, object] | None = None,
) -> Written:
    """Change some fields of a file and keep all others as they are on disk.

    `lost` has values for fields that cannot be read from a damaged file. Raises OvernightError when
    another process keeps the file locked, OSError when it cannot be read or written; in both cases
    nothing has changed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with held(path.with_name(f".{path.name}.lock"), _PATIENCE_S) as taken:
        if not taken:
            raise OvernightError(
                ErrorKind.BUSY,
                f"Another program is writing to {path.name}.",
                "Wait a moment and try again.",
            )
        found = read_object(path, known)
        instead = {} if found.is_whole else lost or {}
        fields = {**instead, **found.fields, **changes}
        content = msgspec.json.format(msgspec.json.encode(fields), indent=2) + b"\n"
        if found.is_damaged:
            return Written(fields, _replace_damaged(path, content))
        if fields != found.fields:
            write_atomically(path, content)
        return Written(fields)


def mend(
    path: Path, known: Collection[str], lost: Mapping[str, object] | None = None
) -> Path | None:
    """Replace a damaged file by what can be read of it.

    Returns where the damaged file was put, None if the file is not damaged. Raises as
    `change_object` does.
    """
    if not read_object(path, known).is_damaged:
        return None
    return change_object(path, {}, known, lost).put_aside


def _replace_damaged(path: Path, content: bytes) -> Path:
    """Put a damaged file aside and write a new one; if that fails, everything is as before."""
    aside = put_aside(path)
    try:
        write_atomically(path, content)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    return aside


def fits(name: str, fields: Mapping[str, object], kind: type[msgspec.Struct]) -> bool:
    """Whether a field's value is valid for the struct `kind`."""
    try:
        msgspec.convert({name: fields[name]}, kind)
    except msgspec.ValidationError:
        return False
    return True


def put_aside(path: Path) -> Path:
    """Copy a file to a new name in its folder, "NAME (damaged DAY)", and return that path."""
    day = datetime.date.today().isoformat()
    number = 1
    while True:
        count = f" {number}" if number > 1 else ""
        aside = path.with_name(f"{path.stem} (damaged {day}){count}{path.suffix}")
        try:
            with aside.open("xb") as copy, path.open("rb") as old:
                shutil.copyfileobj(old, copy)
        except FileExistsError:
            number += 1
        except BaseException:
            aside.unlink(missing_ok=True)
            raise
        else:
            sync_path(aside)
            return aside


def _decoded(data: bytes) -> tuple[str, bool]:
    """A file's text, in UTF-8 or UTF-16, and whether all of it could be decoded."""
    is_utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    encoding = "utf-16" if is_utf16 else "utf-8-sig"
    try:
        return data.decode(encoding), True
    except UnicodeDecodeError:
        return data.decode(encoding, "replace"), False


def _parsed(text: str) -> dict[str, object] | None:
    """The JSON object; None if the text is not one."""
    try:
        return msgspec.json.decode(text, type=dict[str, object])
    except (msgspec.DecodeError, RecursionError):
        return None


def _salvaged(text: str, known: Collection[str]) -> dict[str, object]:
    """The fields of a damaged file: all without trailing commas, else those with a known name."""
    whole = _parsed(_STRING_OR_LAST_COMMA.sub(lambda found: found[1] or "", text))
    if whole is not None:
        return whole
    fields: dict[str, object] = {}
    for name in known:
        for place in re.finditer(rf'"{re.escape(name)}"\s*:\s*', text):
            try:
                value, end = _decoder.raw_decode(text, place.end())
            except (ValueError, RecursionError):
                continue
            if not isinstance(value, int | float) or _AFTER_NUMBER.match(text, end):
                fields[name] = value
    return fields
