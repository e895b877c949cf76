"""Which model of the library an adapter was trained on: the one with the same weights."""

from __future__ import annotations

from mlx_backend.errors import OvernightError
from mlx_backend.library.adapters import AdapterCard
from mlx_backend.library.home import Library
from mlx_backend.library.models import list_models, read_model


def base_of(library: Library, card: AdapterCard) -> str | None:
    """The name of the base model of an adapter; None where it is not in the library.

    A model that was restored or adopted again may have another name than it had at the training.
    """
    try:
        named = read_model(library.models, card.base).card.sha256
    except OvernightError:
        named = ""
    if named == card.base_sha256:
        return card.base
    return next(
        (
            model.card.name
            for model in list_models(library.models)
            if model.card.sha256 == card.base_sha256
        ),
        None,
    )
