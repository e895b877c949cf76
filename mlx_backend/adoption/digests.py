"""The SHA-256 of weights, which a card records."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path

from mlx_backend.models.hub.wanted import is_weights

_CHUNK = 1 << 20


def digest_of_weights(digests: Mapping[str, str]) -> str:
    """The SHA-256 of the only weight file; of several, that of the list of theirs."""
    if len(digests) == 1:
        return next(iter(digests.values()))
    listed = "".join(f"{digest}  {name}\n" for name, digest in sorted(digests.items()))
    return hashlib.sha256(listed.encode()).hexdigest()


def digests_in(
    folder: Path, known: Mapping[str, str], on_bytes: Callable[[int], object]
) -> dict[str, str]:
    """The SHA-256 of each weight file in a folder; those that are `known` are not read.

    `on_bytes` is told after each piece how long it was; what it raises ends the work.
    """
    names = sorted(path.name for path in folder.iterdir() if is_weights(path.name))
    return {name: known.get(name) or _digest(folder / name, on_bytes) for name in names}


def _digest(path: Path, on_bytes: Callable[[int], object]) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_CHUNK):
            digest.update(piece)
            on_bytes(len(piece))
    return digest.hexdigest()
