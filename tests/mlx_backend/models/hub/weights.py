"""Weight files as bytes, taken apart and made larger."""

from __future__ import annotations

import io
import json
from pathlib import Path

import mlx.core as mx

WEIGHTS = "model.safetensors"

_ROWS = "model.embed_tokens.weight"


def tensors_in(data: bytes) -> dict[str, mx.array]:
    """The tensors of a safetensors file."""
    tensors = mx.load(io.BytesIO(data), format="safetensors")
    assert isinstance(tensors, dict)
    return tensors


def as_file(tensors: dict[str, mx.array]) -> bytes:
    """A safetensors file of these tensors."""
    file = io.BytesIO()
    mx.save_safetensors(file, tensors)
    return file.getvalue()


def enlarge_weights(files: dict[str, bytes], amount: int = 6 << 20) -> None:
    """Give the model rows for so many more tokens that its only weight file grows by `amount`."""
    tensors = tensors_in(files[WEIGHTS])
    rows = tensors[_ROWS]
    more = mx.random.normal([-(-amount // (rows.nbytes // len(rows))), rows.shape[1]])
    tensors[_ROWS] = mx.concatenate([rows, more.astype(rows.dtype)])
    files[WEIGHTS] = as_file(tensors)
    config = json.loads(files["config.json"]) | {"vocab_size": len(tensors[_ROWS])}
    files["config.json"] = json.dumps(config).encode()


def enlarge_folder(folder: Path, amount: int = 6 << 20) -> None:
    """The same for a model in a folder."""
    files = {name: (folder / name).read_bytes() for name in (WEIGHTS, "config.json")}
    enlarge_weights(files, amount)
    for name, data in files.items():
        (folder / name).write_bytes(data)


def split_weights(files: dict[str, bytes], lie: bool = False) -> None:
    """Two weight files of half of the tensors each, and an index."""
    tensors = tensors_in(files.pop(WEIGHTS))
    names = sorted(tensors)
    half = len(names) // 2
    places: dict[str, str] = {}
    for number, part in enumerate((names[:half], names[half:]), start=1):
        file = f"model-0000{number}-of-00002.safetensors"
        files[file] = as_file({name: tensors[name] for name in part})
        places |= dict.fromkeys(part, file)
    if lie:
        places[names[0]], places[names[-1]] = places[names[-1]], places[names[0]]
    files["model.safetensors.index.json"] = json.dumps({"weight_map": places}).encode()
