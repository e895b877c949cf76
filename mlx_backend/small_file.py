"""Small files of the person, one JSON object each: what is in them is never silently lost.

Several processes may change such a file: each writes its own changes alone, under a lock. Fields
that nobody here knows stay. What is damaged is put aside before anything is written in its place.
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
# Of one that is cut off, not all digits may be there.
_AFTER_NUMBER = re.compile(r"[\s,}\]/]")
_S = TypeVar("_S", bound=msgspec.Struct)
_decoder = json.JSONDecoder()


@dataclass(frozen=True)
class Found:
    """What a file holds; where it `is_damaged`, as much of it as can be read.

    One that `is_empty` is there and has nothing in it, maybe since it was cut off there.
    """

    fields: dict[str, object]
    is_damaged: bool = False
    is_empty: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether what is not in `fields` was never set."""
        return not self.is_damaged and not self.is_empty


@dataclass(frozen=True)
class Written:
    """What a file holds now, and where the damaged one was put that was there before."""

    fields: dict[str, object]
    put_aside: Path | None = None


def read_object(path: Path, known: Collection[str]) -> Found:
    """Read a file; one that is missing or empty has no fields.

    Of a damaged one, the fields of the `known` names are read that can be. Raises OSError when the
    disk does not let it be read.
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
    """Fields as a struct; those that are missing, or of another type, fall back to defaults."""
    known = kind.__struct_fields__
    kept = {name: fields[name] for name in known if name in fields and fits(name, fields, kind)}
    return msgspec.convert(kept, kind)


def change_object(
    path: Path,
    changes: Mapping[str, object],
    known: Collection[str],
    lost: Mapping[str, object] | None = None,
) -> Written:
    """Change some fields of a file and leave all others as they are on disk.

    `lost` are values for fields that a damaged file may have had and that cannot be read. Raises
    OvernightError when another process does not let go of it, OSError when it cannot be read or
    written; then nothing has changed.
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
            return Written(fields, _write_beside(path, content))
        if fields != found.fields:
            write_atomically(path, content)
        return Written(fields)


def mend(
    path: Path, known: Collection[str], lost: Mapping[str, object] | None = None
) -> Path | None:
    """Put a damaged file aside and write what could be read of it; where it was put, if it was."""
    if not read_object(path, known).is_damaged:
        return None
    return change_object(path, {}, known, lost).put_aside


def _write_beside(path: Path, content: bytes) -> Path:
    """Put a damaged file aside and write a good one; should that fail, all is as before."""
    aside = put_aside(path)
    try:
        write_atomically(path, content)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    return aside


def fits(name: str, fields: Mapping[str, object], kind: type[msgspec.Struct]) -> bool:
    """Whether a field is of the type that a struct wants."""
    try:
        msgspec.convert({name: fields[name]}, kind)
    except msgspec.ValidationError:
        return False
    return True


def put_aside(path: Path) -> Path:
    """Copy a file to a name that says what it is, and that nothing has yet."""
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
    """A file's text, whichever program wrote it, and whether all of it is text."""
    is_utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    encoding = "utf-16" if is_utf16 else "utf-8-sig"
    try:
        return data.decode(encoding), True
    except UnicodeDecodeError:
        return data.decode(encoding, "replace"), False


def _parsed(text: str) -> dict[str, object] | None:
    try:
        return msgspec.json.decode(text, type=dict[str, object])
    except (msgspec.DecodeError, RecursionError):
        return None


def _salvaged(text: str, known: Collection[str]) -> dict[str, object]:
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
