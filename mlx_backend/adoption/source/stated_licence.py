"""Which licence a model's folder states, in its README's front matter or a licence file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from mlx_backend.adoption.source.folder_listing import real_path
from mlx_backend.adoption.source.placing import open_regular
from mlx_backend.errors import OvernightError

_MOST = 64 << 10  # bytes of a file that are read
_LONGEST = 64  # characters of a licence's name
_FRONT_MATTER = re.compile(r"\A\ufeff?---[ \t]*\n(.*?)^---[ \t]*$", re.DOTALL | re.MULTILINE)
_FILES = ("LICENSE", "LICENCE", "LICENSE.txt", "LICENSE.md", "LICENCE.txt", "LICENCE.md")
# What a licence's text says near its beginning, and the Hub's id of it.
_TEXTS = (
    (r"Apache License\s+Version 2\.0", "apache-2.0"),
    (r"MIT License|Permission is hereby granted, free of charge", "mit"),
    (r"LLAMA 3\.3 COMMUNITY LICENSE", "llama3.3"),
    (r"LLAMA 3\.2 COMMUNITY LICENSE", "llama3.2"),
    (r"LLAMA 3\.1 COMMUNITY LICENSE", "llama3.1"),
    (r"Gemma Terms of Use", "gemma"),
    (r"LFM Open License v1\.0", "lfm1.0"),
)
_NEAR = 1000  # characters


def stated_licence(folder: Path, places: Sequence[Path] = ()) -> str:
    """The id or the name of the licence, "" where none is stated.

    places: where links may lead, beside the folder itself.
    """
    readme = _FRONT_MATTER.match(_text(folder, "README.md", places))
    if readme and (said := _field(readme[1], "license")):
        return _field(readme[1], "license_name") or said if said == "other" else said
    for name in _FILES:
        if text := _text(folder, name, places):
            return _by_text(text)
    return ""


def _field(front: str, key: str) -> str:
    """The value of a field of YAML, or the first of its list; "" where there is none."""
    found = re.search(rf"^{key}:[ \t]*(?:\n[ \t]*-[ \t]*)?(\S.*)$", front, re.MULTILINE)
    said = found[1].strip(" \t[]'\"").partition(",")[0].strip(" '\"") if found else ""
    return said if said.isprintable() and len(said) <= _LONGEST else ""


def _by_text(text: str) -> str:
    for pattern, licence in _TEXTS:
        if re.search(pattern, text[:_NEAR], re.IGNORECASE):
            return licence
    first = text.strip().partition("\n")[0].strip()
    return first[:_LONGEST] if first.isprintable() else ""


def _text(folder: Path, name: str, places: Sequence[Path]) -> str:
    try:
        with open_regular(real_path(folder / name, (folder, *places))) as file:
            return file.read(_MOST).decode("utf-8", "replace")
    except (OSError, OvernightError):
        return ""
