"""Models that lie on this computer and are not in the library, as the page shows them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from app.library.base_models import base_models
from app.models.offers import Offer
from app.text import amounts
from mlx_backend.catalogue.fit_words import fit_sentence
from mlx_backend.catalogue.found import Found, found_on_this_machine
from mlx_backend.catalogue.model_folder import Looked, look_at
from mlx_backend.library import Library
from mlx_backend.library.model_figures import figures_of, stored_bits
from mlx_backend.library.model_fit import fit_of
from mlx_backend.library.models import CARD, STARTER
from mlx_backend.library.this_machine import Machine

_BY_HAND = "In Overnight's folder of models"


def found_offers(library: Library) -> list[Offer]:
    """What was found and is not in the library. Reads folders, so never on the window's thread."""
    machine = Machine.here()
    by_hand = _put_in_by_hand(library, machine)
    found = found_on_this_machine(base_models(library), machine=machine)
    offers = [_offer_of(each, machine) for each in (*by_hand, *found) if not each.in_library]
    return sorted(offers, key=lambda offer: bool(offer.missed))


def _put_in_by_hand(library: Library, machine: Machine) -> Iterator[Found]:
    """Models in the library's folder that were never adopted, so that no list has them."""
    for folder in sorted(library.models.iterdir()) if library.models.is_dir() else ():
        looked = _looked(folder)
        if looked is not None:
            figures = figures_of(looked.config, 0, looked.weight_bytes)
            yield Found(
                path=folder,
                title=folder.name,
                program=_BY_HAND,
                source="",
                bytes=looked.bytes,
                bits=stored_bits(looked.config),
                parameters=figures.parameters,
                fit=fit_of(figures, machine),
                why_not=looked.why_not,
            )


def _looked(folder: Path) -> Looked | None:
    """What is in a folder that has no card; None where it has one, or is no model's."""
    if folder.name.startswith(".") or folder.name == STARTER:
        return None
    try:
        names = [entry.name for entry in folder.iterdir()]
    except OSError:
        return None
    return None if CARD in names else look_at(folder, names, folder)


def _offer_of(found: Found, machine: Machine) -> Offer:
    bits = f"{found.bits} bits a weight" if found.bits else ""
    facts = (found.program, amounts.size(found.bytes), bits)
    can_be_added = not found.why_not
    return Offer(
        key=str(found.path),
        title=found.title,
        facts=" · ".join(filter(None, facts)),
        fit=amounts.regional(fit_sentence(found.fit, machine)) if can_be_added else "",
        is_fitting=found.fit.trains,
        missed=found.why_not,
    )
