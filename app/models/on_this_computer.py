"""Models of other programs on this computer, as the page shows them."""

from __future__ import annotations

from app.library.base_models import base_models
from app.models.offers import Offer
from app.text import amounts
from mlx_backend.catalogue.fit_words import fit_sentence
from mlx_backend.catalogue.found import Found, found_on_this_machine
from mlx_backend.library import Library
from mlx_backend.library.this_machine import Machine


def found_offers(library: Library) -> list[Offer]:
    """What was found and is not in the library. Reads folders, so never on the window's thread."""
    machine = Machine.here()
    found = found_on_this_machine(base_models(library), machine=machine)
    return [_offer_of(each, machine) for each in found if not each.in_library]


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
