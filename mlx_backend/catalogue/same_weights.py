"""Whether two folders hold the same weights, without reading gigabytes.

A clone of a file has an inode of its own, and a card names no folder of the person's, because cards
travel with models. So the weights themselves are compared: first the sizes of the files, and where
these are equal, 64 small pieces spread over each.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import BinaryIO

WEIGHTS = re.compile(r"model[\w.-]{0,100}\.safetensors", re.ASCII)
"""The names of files that mlx-lm would load as weights."""

_PIECES, _PIECE = 64, 4096


def weights_in(folder: Path) -> dict[str, int]:
    """The weight files in a folder, by name, with their sizes in bytes; empty where unreadable."""
    found = {}
    try:
        for path in folder.iterdir():
            if WEIGHTS.fullmatch(path.name) and path.is_file():
                found[path.name] = path.stat().st_size
    except OSError:
        return {}
    return found


def have_same_weights(one: Path, other: Path, sizes: Mapping[str, int]) -> bool:
    """Whether the weight files of these names and sizes are the same in both folders.

    Compares 64 pieces of 4 KB of each file, its ends among them. Two trainings of one model differ
    nearly everywhere, so that they differ in these; but only a check sum of all is proof.
    """
    return bool(sizes) and all(_is_same(one / name, other / name, sizes[name]) for name in sizes)


def are_same_files(one: Path, other: Path, names: Iterable[str]) -> bool:
    """Whether the files of these names are the same in both folders, as hard links are."""
    try:
        return all((one / name).samefile(other / name) for name in names)
    except OSError:
        return False


def _is_same(one: Path, other: Path, size: int) -> bool:
    step = max(1, (size - _PIECE) // (_PIECES - 1))
    offsets = [*range(0, max(1, size - _PIECE), step), max(0, size - _PIECE)]
    try:
        with _opened(one) as first, _opened(other) as second:
            if os.path.sameopenfile(first.fileno(), second.fileno()):
                return True
            return all(
                os.pread(first.fileno(), _PIECE, offset)
                == os.pread(second.fileno(), _PIECE, offset)
                for offset in offsets
            )
    except OSError:
        return False


def _opened(path: Path) -> BinaryIO:
    """Open to read; never waits, as for the other end of a pipe."""
    return os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb")
