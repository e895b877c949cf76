"""What an adapter's files say of themselves, checked before any library reads the weights."""

from __future__ import annotations

from pathlib import Path

from mlx_backend.library.bounded_json import read_object
from mlx_backend.library.weight_headers import Tensor, read_header
from mlx_backend.receiving.arrival import Arrival
from mlx_backend.receiving.refusal import unfit

_FLOATS = frozenset({"F32", "F16", "BF16"})
_MOST_TENSORS = 20_000
_LARGEST_RANK = 1024
_MLX_KINDS = ("lora", "dora")


def checked_config(arrival: Arrival) -> dict[str, object]:
    """The configuration, of a kind that is taken in. Raises OvernightError."""
    try:
        config = read_object(arrival.config)
    except (OSError, ValueError, RecursionError) as error:
        raise unfit("has a configuration that cannot be read", str(error)) from error
    if arrival.form == "mlx" and config.get("fine_tune_type", "lora") not in _MLX_KINDS:
        raise unfit("replaces weights of the base model instead of adding to them")
    return config


def checked_header(path: Path) -> dict[str, Tensor]:
    """The tensors of the weights' file: all of them floats and of shapes that factors have.

    Raises OvernightError.
    """
    try:
        tensors = read_header(path)
    except (OSError, ValueError, RecursionError) as error:
        raise unfit("has a file of weights that is not what it says", str(error)) from error
    if not 0 < len(tensors) <= _MOST_TENSORS:
        raise unfit(f"has {len(tensors):,} tensors")
    for name, tensor in tensors.items():
        if tensor.dtype not in _FLOATS:
            raise unfit(f"holds numbers of the type {tensor.dtype}", name)
        if not 1 <= len(tensor.shape) <= 3 or not tensor.elements:
            raise unfit("holds a tensor of a shape that no factor has", name)
        if len(tensor.shape) > 1 and sorted(tensor.shape)[-2:][0] < 1:
            raise unfit("holds an empty tensor", name)
    if _rank(tensors) > _LARGEST_RANK:
        raise unfit(f"is of a rank above {_LARGEST_RANK}")
    return tensors


def _rank(tensors: dict[str, Tensor]) -> int:
    """The largest of the smaller sides of all factors: A and B have the rank as one side."""
    return max(
        (min(tensor.shape) for tensor in tensors.values() if len(tensor.shape) > 1), default=1
    )
