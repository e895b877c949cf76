"""Whether a name still belongs to the same adapter."""

from __future__ import annotations

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.library import Library
from mlx_backend.library.adapters import read_adapter


def identity_of(library: Library, name: str) -> str:
    """The adapter's id, which unlike a name is never reused; "" for a damaged or missing one."""
    try:
        return read_adapter(library.adapters, name).card.id
    except OvernightError:
        return ""


def another(name: str) -> OvernightError:
    """The error that a name belongs to another adapter now."""
    return OvernightError(
        ErrorKind.BAD_INPUT, f"“{name}” is a different adapter now, so it was left as it is."
    )
