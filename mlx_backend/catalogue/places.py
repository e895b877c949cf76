"""Where programs on this machine keep base models: each program's folder, and its layout."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

LM_STUDIO = "LM Studio"

_LARGEST_SETTINGS = 1 << 20  # bytes


@dataclass(frozen=True)
class Place:
    """A folder of models. depth: how far below it the folders of single models lie at most.

    is_hub_cache: whether it is laid out as the cache of the Hugging Face Hub's own tools.
    """

    program: str
    root: Path
    depth: int
    is_hub_cache: bool = False


def places(home: Path, environment: Mapping[str, str], beside: Path) -> list[Place]:
    """Where models may lie, each folder once.

    home: the person's. beside: a terminal's folder, into which mlx-lm may have written some.
    """
    found = [Place("Hugging Face", _hub_cache(home, environment), 1, is_hub_cache=True)]
    found += [Place(LM_STUDIO, root, 3) for root in _of_lm_studio(home)]
    found += [
        Place("oMLX", home / ".omlx/models", 2),
        Place("Osaurus", home / "MLXModels", 2),
        Place("Jan", home / "Library/Application Support/Jan/data/mlx/models", 2),
    ]
    parents = (home, beside)
    names = ("mlx_model", "fused_model")
    found += [Place("mlx-lm", parent / name, 0) for parent in parents for name in names]
    return list(_each_once(found))


def read_small(path: Path, largest: int) -> bytes:
    """The bytes of a small regular file. Raises OSError for any other, as for one that is larger.

    It never waits, as for the other end of a pipe.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > largest:
            raise OSError(f"{path} is no small file")
        return file.read(largest)


def _hub_cache(home: Path, environment: Mapping[str, str]) -> Path:
    """As huggingface_hub finds it (`huggingface_hub/constants.py`)."""
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        if environment.get(name):
            return _expanded(environment[name], home)
    if environment.get("HF_HOME"):
        return _expanded(environment["HF_HOME"], home) / "hub"
    caches = _expanded(environment.get("XDG_CACHE_HOME") or "~/.cache", home)
    return caches / "huggingface/hub"


def _of_lm_studio(home: Path) -> Iterator[Path]:
    yield home / ".lmstudio/models"
    yield home / ".cache/lm-studio/models"
    try:
        said = msgspec.json.decode(
            read_small(home / ".lmstudio/settings.json", _LARGEST_SETTINGS), type=dict[str, object]
        ).get("downloadsFolder")
    except (OSError, ValueError, RecursionError):
        return
    if isinstance(said, str) and "\0" not in said and (root := _expanded(said, home)).is_absolute():
        yield root


def _expanded(text: str, home: Path) -> Path:
    return home / text[2:] if text.startswith("~/") else Path(text)


def _each_once(found: list[Place]) -> Iterator[Place]:
    seen = set()
    for place in found:
        real = os.path.realpath(place.root)
        if real not in seen:
            seen.add(real)
            yield place
