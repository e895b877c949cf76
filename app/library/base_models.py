"""The base models of the library, with what runs measured of them, and what people call them."""

from __future__ import annotations

from mlx_backend.library import Library
from mlx_backend.library.models import STARTER, BaseModel, list_models

STARTER_TITLE = "Starter"


def base_models(library: Library) -> list[BaseModel]:
    """All base models, by name. Reads files, so never on the window's thread.

    What runs measured counts in every page, so that no two of them differ about what fits.
    """
    return list_models(library.models, library.runs)


def called(name: str, title: str = "") -> str:
    """What a base model is called wherever the window names it.

    title: as on its card, "" where that is not known. Two models can have one title, but no two
    have one name: so the name stands beside a title that differs from it, or in its place where it
    begins with it.
    """
    if name == STARTER:
        return STARTER_TITLE
    return name if name.startswith(title) else f"{title} ({name})"


def called_of(model: BaseModel) -> str:
    """What a base model of the library is called."""
    return called(model.card.name, model.card.title)
