"""Weight files as bytes, taken apart and made larger."""

from __future__ import annotations

import io
import json

import mlx.core as mx

WEIGHTS = "model.safetensors"


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
    """Add a tensor of so many bytes to the only weight file."""
    padding = mx.random.randint(0, 255, [amount]).astype(mx.uint8)
    files[WEIGHTS] = as_file(tensors_in(files[WEIGHTS]) | {"padding": padding})


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
