"""Whether a model's weight files are whole and fit together, by their headers and their index."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from mlx_backend.library.weight_headers import Tensor, read_header
from mlx_backend.models.hub.wanted import is_weights, no_model

INDEX = "model.safetensors.index.json"

_LARGEST_INDEX = 32 << 20  # bytes
_MOST_TENSORS = 500_000
_SHARD = re.compile(r"model-(\d{5})-of-(\d{5})\.safetensors")
_EMBEDDING = re.compile(
    r"(.+\.)?(embed_tokens|wte|word_embeddings|tok_embeddings|embeddings?|embed_in)\.weight"
)
_MOST_HOLES = 10_000
_HOLES_SHARE = 0.1


@dataclass(frozen=True)
class Weights:
    """The tensors of all weight files by name, and the file in which each is."""

    tensors: Mapping[str, Tensor]
    files: Mapping[str, str]

    @property
    def embedding_rows(self) -> int | None:
        """How many tokens the embedding holds; None where no tensor has the name of one."""
        rows = (t.shape[0] for n, t in self.tensors.items() if _EMBEDDING.fullmatch(n) and t.shape)
        return max(rows, default=None)

    def parameters(self, config: Mapping[str, object]) -> int:
        """How many parameters the weights stand for: packed ones are counted unpacked."""
        total = 0
        for name, tensor in self.tensors.items():
            stem, _, part = name.rpartition(".")
            scales = self.tensors.get(f"{stem}.scales")
            if scales is None:
                # AWQ, GPTQ: 4 of 32 bits
                total += tensor.elements * (8 if part == "qweight" else 1)
            elif part == "weight":
                total += scales.elements * _group_size(config, stem)
        return total


def check_shards(name: str, folder: Path, weights: Collection[str]) -> None:
    """Raise OvernightError unless `weights` are all that the index and their own names tell of."""
    needed = set(_index(name, folder).values()) | _all_shards(name, weights)
    missing = sorted(needed - set(weights))
    if missing:
        named = ", ".join(each[:100] for each in missing[:3])
        raise no_model(name, f"Weight files are missing: {named}.")


def read_weights(name: str, folder: Path) -> Weights:
    """Read the headers of all weight files in a folder.

    Raises OvernightError where one is damaged or has holes, and where they or their index do not
    fit together.
    """
    _refuse_odd_names(name, folder)
    tensors: dict[str, Tensor] = {}
    files: dict[str, str] = {}
    for path in sorted(path for path in folder.iterdir() if is_weights(path.name)):
        found = _read(name, path)
        if twice := sorted(found.keys() & tensors.keys()):
            raise no_model(name, f"Two of its weight files hold the same tensor, {twice[0][:80]}.")
        tensors |= found
        files |= dict.fromkeys(found, path.name)
        if len(tensors) > _MOST_TENSORS:
            raise no_model(name, "Its weights are cut into more tensors than any model has.")
    _check_index(name, _index(name, folder), files)
    return Weights(tensors, files)


def _refuse_odd_names(name: str, folder: Path) -> None:
    """Refuse what mlx-lm would load as weights beside those that are checked."""
    for path in folder.glob("model*.safetensors"):
        if not is_weights(path.name):
            shown = "".join(c if c.isprintable() else "?" for c in path.name)[:80]
            raise no_model(name, f"Its folder has an odd file, {shown}, which is none of its own.")


def _read(name: str, path: Path) -> dict[str, Tensor]:
    try:
        found = read_header(path)
    except ValueError as error:
        raise no_model(name, f"Its weights are damaged: {str(error)[:300]}.") from error
    if _has_holes(path):
        raise no_model(
            name, f"Its weights are not all there: large parts of {path.name} were never written."
        )
    return found


def _has_holes(path: Path) -> bool:
    """Whether a tenth of a file was never written, as in a download that is not done.

    False where the file system does not tell.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        size, place, empty = os.fstat(descriptor).st_size, 0, 0
        for _ in range(_MOST_HOLES):
            if place >= size:
                break
            begin = os.lseek(descriptor, place, os.SEEK_HOLE)
            place = _data_after(descriptor, begin, size)
            empty += place - begin
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return empty > size * _HOLES_SHARE


def _data_after(descriptor: int, place: int, size: int) -> int:
    if place >= size:
        return size
    try:
        return os.lseek(descriptor, place, os.SEEK_DATA)
    except OSError as error:
        if error.errno == errno.ENXIO:
            return size
        raise


def _all_shards(name: str, weights: Collection[str]) -> set[str]:
    """What the names of the weight files say there must be: 1 of 3 needs 2 and 3."""
    totals = {int(found[2]) for each in weights if (found := _SHARD.fullmatch(each))}
    if len(totals) > 1:
        raise no_model(name, "Its weight files belong to several ways of cutting it.")
    return {
        f"model-{number:05}-of-{total:05}.safetensors"
        for total in totals
        for number in range(1, total + 1)
    }


def _index(name: str, folder: Path) -> dict[str, str]:
    """In which file the index says each tensor is; empty where there is no index."""
    path = folder / INDEX
    if not path.exists():
        return {}
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST_INDEX + 1)
        if len(data) > _LARGEST_INDEX:
            raise no_model(name, f"Its {INDEX} is far too large for what it is.")
        return msgspec.json.decode(data, type=_Index).weight_map
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, OSError) as error:
        raise no_model(name, f"Its index of weights ({INDEX}) is damaged.") from error


def _check_index(name: str, index: Mapping[str, str], files: Mapping[str, str]) -> None:
    wrong = [tensor for tensor, file in index.items() if files.get(tensor) != file]
    if wrong:
        raise no_model(
            name, f"Its index of weights is wrong: {wrong[0][:80]} is not where it says."
        )


def _group_size(config: Mapping[str, object], stem: str) -> int:
    quantisation = config.get("quantization") or config.get("quantization_config")
    whole = quantisation if isinstance(quantisation, dict) else {}
    own = whole.get(stem)
    size = (own if isinstance(own, dict) else whole).get("group_size", whole.get("group_size", 64))
    return size if isinstance(size, int) else 64


class _Index(msgspec.Struct):
    weight_map: dict[str, str]
