"""Models of other programs on this computer, as the page shows them."""

from __future__ import annotations

from app.models.offers import Offer
from mlx_backend.library import Library


def found_offers(library: Library) -> list[Offer]:
    """What was found. Reads folders, so never on the window's thread."""
    return []
