"""Whether an adapter of a name is still the one that it was."""

from __future__ import annotations

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.library import Library
from mlx_backend.library.adapters import read_adapter


def identity_of(library: Library, name: str) -> str:
    """What never comes again, unlike a name; "" where the adapter is damaged or gone."""
    try:
        return read_adapter(library.adapters, name).card.id
    except OvernightError:
        return ""


def another(name: str) -> OvernightError:
    """The name belongs to another adapter now."""
    return OvernightError(
        ErrorKind.BAD_INPUT, f"“{name}” is another adapter by now, so it stays as it is."
    )
