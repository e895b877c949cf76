"""Switching the adapters of a loaded base model, whose own layers stay as they are.

What was read from disk stays in memory, by the hash of its content, and so do the layers made of
it for a choice of adapters and weights. A switch then only exchanges modules of the model, so it is
bit by bit what a fresh load would be, also between adapters of different layers and ranks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import mlx.core as mx
import mlx.nn as nn
from mlx.utils import tree_unflatten

from mlx_backend.files import sha256_of_file
from mlx_backend.library.adapters import CONFIG, WEIGHTS, Adapter
from mlx_backend.models.lora import layers_for
from mlx_backend.models.lora_factors import Factors, damaged, layers_of, read_factors

_MOST_BYTES = 1 << 29
"""Of all factors that are kept, and of all layers; the last used are kept in any case."""

Adapters = Sequence[tuple[Adapter, float]]
"""Adapters with the weights by which their changes are multiplied."""

_K = TypeVar("_K")
_V = TypeVar("_V")
_Identity = tuple[tuple[str, int, int, int], ...]


@dataclass(frozen=True)
class _Read:
    """An adapter in memory: the SHA-256 of its files, and what they hold."""

    sha256: str
    factors: dict[str, Factors]


class AdapterSwitch:
    """Puts adapters on one base model, and takes them off again."""

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self._base = dict(layers_of(model))
        self._on: dict[str, nn.Module] = {}
        self._read = _Recent[_Identity, _Read]()
        self._layers = _Recent[str, dict[str, nn.Module]]()

    def use(self, adapters: Adapters) -> str:
        """Have the model answer with these adapters and no others; returns their key.

        The key tells apart all choices of contents and weights; it is "" for the base model, which
        adapters of weight 0 leave as it is. Raises OvernightError, with the adapters as they were,
        where one is damaged or does not fit, or where they cannot be mixed.
        """
        chosen = [(adapter, weight) for adapter, weight in adapters if weight != 0]
        found = [(self._contents(adapter), weight) for adapter, weight in chosen]
        key = _key([(each.sha256, weight) for each, weight in found])
        layers = self._layers.get(key) if found else {}
        if layers is None:
            layers = layers_for(self._base, [(each.factors, weight) for each, weight in found])
            mx.eval([[each.lora_a, each.lora_b] for each in layers.values()])
            size = sum(each.lora_a.nbytes + each.lora_b.nbytes for each in layers.values())
            self._layers.put(key, layers, size)
        self._exchange(layers)
        return key

    def _exchange(self, layers: dict[str, nn.Module]) -> None:
        """Put layers in place of those that are on, of which no others stay."""
        off = {name: self._base[name] for name in self._on if name not in layers}
        self._model.update_modules(tree_unflatten([*off.items(), *layers.items()]))
        self._on = layers

    def _contents(self, adapter: Adapter) -> _Read:
        paths = [adapter.path / CONFIG, adapter.path / WEIGHTS]
        try:
            identity = tuple(map(_identity, paths))
        except OSError as error:
            raise damaged(adapter, error) from error
        read = self._read.get(identity)
        if read is None:
            factors = read_factors(adapter, self._base)
            mx.eval([[each.a, each.b, each.norms] for each in factors.values()])
            size = sum(each.a.nbytes + each.b.nbytes for each in factors.values())
            digest = hashlib.sha256("\n".join(map(sha256_of_file, paths)).encode())
            read = _Read(digest.hexdigest(), factors)
            self._read.put(identity, read, size)
        return read


class _Recent(Generic[_K, _V]):
    """Values by key; the least recently used go when all take more than `_MOST_BYTES`."""

    def __init__(self) -> None:
        self._values: dict[_K, tuple[_V, int]] = {}

    def get(self, key: _K) -> _V | None:
        """The value of a key; None without one."""
        found = self._values.pop(key, None)
        if found is None:
            return None
        self._values[key] = found
        return found[0]

    def put(self, key: _K, value: _V, size: int) -> None:
        """Keep a value of `size` bytes."""
        self._values[key] = value, size
        while len(self._values) > 1 and sum(s for _, s in self._values.values()) > _MOST_BYTES:
            del self._values[next(iter(self._values))]


def _identity(path: Path) -> tuple[str, int, int, int]:
    """What changes when a file is replaced or written to. Raises OSError when it is gone."""
    found = path.stat()
    return str(path), found.st_ino, found.st_size, found.st_mtime_ns


def _key(chosen: Sequence[tuple[str, float]]) -> str:
    if not chosen:
        return ""
    text = "\n".join(f"{sha256} {weight!r}" for sha256, weight in chosen)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
