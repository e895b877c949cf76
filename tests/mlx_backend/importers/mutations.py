"""Random damage to files, reproducible by its seed."""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Mapping

from tests.mlx_backend.importers.samples import EVERY_FORMAT, zipped

_HOSTILE = (
    b"\0",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"<" * 200,
    b"[" * 200,
    b"{\\rtf1" * 50,
    b"<!ENTITY x SYSTEM 'file:///etc/passwd'>",
    b"../" * 50,
    b"9" * 400,
    b"-1",
    b"\r\n\r\n",
    b"%n%s",
)


def mutated(seed: int, whole: Mapping[str, bytes] = EVERY_FORMAT) -> tuple[str, bytes]:
    """The name and content of a file of `whole`, in turn, with random damage."""
    chance = random.Random(seed)
    names = list(whole)
    name = names[seed % len(names)]
    data = whole[name]
    if zipfile.is_zipfile(io.BytesIO(data)) and chance.random() < 0.6:
        data = _inside_zip(data, chance)
    else:
        data = _damaged(data, chance)
    if chance.random() < 0.1:
        name = f"x{chance.choice(names)[-5:]}"
    return name.replace("/", " "), data


def _inside_zip(data: bytes, chance: random.Random) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as box:
        members = {name: box.read(name) for name in box.namelist()}
    name = chance.choice(list(members))
    members[name] = _damaged(members[name], chance)
    return zipped(members)


def _damaged(data: bytes, chance: random.Random) -> bytes:
    for _ in range(chance.choice((1, 1, 2, 5, 20))):
        data = _damaged_once(data, chance)
    return data


def _damaged_once(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data) + 1)
    length = min(chance.choice((1, 2, 8, 64, 512)), len(data) - at)
    match chance.randrange(6):
        case 0:
            return data[:at]
        case 1:
            return data[:at] + data[at + length :]
        case 2:
            return data[:at] + data[at : at + length] * chance.choice((2, 50)) + data[at + length :]
        case 3:
            return data[:at] + chance.choice(_HOSTILE) + data[at:]
        case 4:
            return data[:at] + chance.randbytes(length) + data[at + length :]
        case _:
            other = chance.choice(list(EVERY_FORMAT.values()))
            return data[:at] + other[chance.randrange(len(other)) :][:512] + data[at:]
