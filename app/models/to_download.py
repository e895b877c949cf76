"""The catalogue as the page shows it: what fits this computer, and which to take first."""

from __future__ import annotations

import math
from collections.abc import Mapping

import msgspec

from app.jobs.hub_figures import HubFigure
from app.models.model_words import licence_title
from app.models.offers import Offer, Offers
from app.text import amounts
from mlx_backend.catalogue.entries import Entry, entries, recommended
from mlx_backend.catalogue.fit_words import fit_sentence, memory
from mlx_backend.catalogue.licences import is_open_source, licence_link
from mlx_backend.library.this_machine import Machine

_MOST_LANGUAGES = 3
_NEWEST = "main"


def read_offers(
    machine: Machine | None = None, told: Mapping[str, HubFigure] | None = None
) -> Offers:
    """The catalogue for a machine, this one without another. Reads a file, asks nobody.

    told: what the Hub said of repositories; it takes the place of what the file says.
    """
    machine = machine or Machine.here()
    listed = [_corrected(entry, (told or {}).get(entry.repo)) for entry in entries()]
    best = recommended(machine.memory_bytes, machine.has_gpu)
    first = next((entry for entry in listed if best and entry.repo == best.repo), None)
    fitting = {entry.repo for entry in listed if entry.fit(machine).trains}
    others = [entry for entry in listed if entry is not first]
    others.sort(key=lambda entry: (entry.repo not in fitting, _distance(entry, best)))
    return Offers(
        _offer_of(first, machine) if first is not None else None,
        tuple(_offer_of(entry, machine) for entry in others),
        _advice(best, machine),
    )


def _corrected(entry: Entry, told: HubFigure | None) -> Entry:
    if told is None:
        return entry
    return msgspec.structs.replace(entry, bytes=told.bytes, licence=told.licence)


def _distance(entry: Entry, best: Entry | None) -> float:
    """How much larger or smaller a model is than the best; the smallest come first without one."""
    if best is None:
        return entry.parameters
    return abs(math.log(entry.parameters / best.parameters))


def _offer_of(entry: Entry, machine: Machine) -> Offer:
    fit = entry.fit(machine)
    return Offer(
        key=entry.repo,
        title=entry.title,
        facts=_facts(entry),
        fit=amounts.regional(fit_sentence(fit, machine)),
        is_fitting=fit.trains,
        good_for=entry.good_for,
        licence=_warning(entry.licence),
        licence_link=licence_link(entry.licence, entry.repo),
        revision=entry.revision or _NEWEST,
    )


def _facts(entry: Entry) -> str:
    thinks = "can think first" if entry.thinks else ""
    licence = licence_title(entry.licence) if is_open_source(entry.licence) else ""
    size = amounts.size(entry.bytes)
    return " · ".join(filter(None, (size, _languages(entry.languages), thinks, licence)))


def _languages(names: tuple[str, ...]) -> str:
    shown = names if len(names) <= _MOST_LANGUAGES + 1 else names[:_MOST_LANGUAGES]
    more = len(names) - len(shown)
    listed = ", ".join(shown)
    return f"{listed} and {amounts.count(more, 'other language')}" if more else listed


def _warning(licence: str) -> str:
    if is_open_source(licence):
        return ""
    return f"Not open source: {licence_title(licence)}"


def _advice(best: Entry | None, machine: Machine) -> str:
    has = amounts.regional(memory(machine.memory_bytes))
    if best is None:
        told = "None of these can be trained here; the starter can."
        return f"This computer has {has} of memory. {told}"
    return f"Best for this computer and its {has} of memory:"
