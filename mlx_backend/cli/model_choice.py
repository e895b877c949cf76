"""What could become a base model here: the catalogue, and what other programs keep."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

import msgspec

from mlx_backend.catalogue.entries import Entry, entries, recommended
from mlx_backend.catalogue.fit_words import fit_in_short, fit_sentence
from mlx_backend.catalogue.found import Found, found_on_this_machine
from mlx_backend.catalogue.licences import licence_link, licence_name
from mlx_backend.cli.amounts import data_size
from mlx_backend.cli.console import Console
from mlx_backend.errors import OvernightError
from mlx_backend.library.model_fit import Fit
from mlx_backend.library.models import BaseModel
from mlx_backend.library.this_machine import Machine
from mlx_backend.models.hub.access import Access
from mlx_backend.models.hub.true_figures import TrueFigures, ask_the_hub


def show_catalogue(
    models: Sequence[BaseModel], machine: Machine, console: Console
) -> dict[str, object]:
    """`overnight models --catalogue`: what is good to download, and what of it fits this machine.

    Sizes and licences are the Hub's where it can be reached.
    """
    told = _of_the_hub(console)
    listed = [_corrected(entry, told.get(entry.repo)) for entry in entries()]
    advised = recommended(machine.memory_bytes, machine.has_gpu)
    there = {model.card.source.partition("@")[0]: model.card.name for model in models}
    console.table(
        ["", "Model", "Size", "Licence", "Here", "Thinks", "Good for"],
        [
            (
                "*" if advised is not None and entry.repo == advised.repo else "",
                entry.title,
                data_size(entry.bytes),
                entry.licence if entry.is_open_source else licence_name(entry.licence),
                "in the library" if entry.repo in there else fit_in_short(entry.fit(machine)),
                "can" if entry.thinks else "no",
                entry.good_for,
            )
            for entry in listed
        ],
    )
    _tell_of_licences(listed, console)
    _advise(advised, machine, console)
    return {
        "recommended": advised.repo if advised is not None else None,
        "from_hub": bool(told),
        "catalogue": [_as_result(entry, machine, there.get(entry.repo)) for entry in listed],
    }


def show_found(
    models: Sequence[BaseModel], machine: Machine, console: Console
) -> dict[str, object]:
    """`overnight models --found`: what other programs keep here, and how it is adopted."""
    found = found_on_this_machine(models, machine=machine)
    if not found:
        console.say("No base models of other programs were found on this machine.")
        console.say("To download one: overnight models --catalogue")
    for each in found:
        console.say(f"{each.title}: {data_size(each.bytes)}, {_bits(each.bits)}{each.program}")
        if each.in_library:
            console.say(f"  It is in the library already, as “{each.in_library}”.")
        elif each.why_not:
            console.say(f"  It cannot be adopted. {each.why_not}")
        else:
            console.say(f"  {fit_sentence(each.fit, machine)}")
            console.say(f"  overnight adopt {shlex.quote(str(each.path))}")
    return {"found": [_found_result(each) for each in found]}


def fit_results(fit: Fit) -> dict[str, object]:
    """What a machine can do with a model, for --json; lengths in tokens, memory in bytes."""
    return {
        "fits": fit.trains,
        "chats": fit.chats,
        "chat_tokens": fit.chat_tokens,
        "train_tokens": fit.train_tokens,
        "chat_bytes": fit.chat_bytes,
        "train_bytes": fit.train_bytes,
        "measured": fit.is_measured,
    }


def _of_the_hub(console: Console) -> dict[str, TrueFigures]:
    """What the Hub says of the catalogue; where it says nothing, why, and an empty answer."""
    try:
        told, why = ask_the_hub(entries(), Access.from_environment()), "The Hub cannot be reached"
    except OvernightError as error:  # an address or a token that can be none
        told, why = {}, f"{error.message} {error.hint} Until then the Hub is not asked"
    if not told:
        console.note(f"{why}: sizes and licences are those known at release.")
    return told


def _corrected(entry: Entry, told: TrueFigures | None) -> Entry:
    if told is None:
        return entry
    computed = tuple(name for name in entry.computed if name not in ("bytes", "licence"))
    return msgspec.structs.replace(entry, bytes=told.bytes, licence=told.licence, computed=computed)


def _tell_of_licences(listed: Sequence[Entry], console: Console) -> None:
    limited = {e.licence: licence_link(e.licence, e.repo) for e in listed if not e.is_open_source}
    if limited:
        console.say("\nNot open source; read these licences before you download:")
    for licence, link in limited.items():
        console.say(f"  {licence_name(licence)}: {link}")


def _advise(advised: Entry | None, machine: Machine, console: Console) -> None:
    if advised is None:
        console.say("\nNone of these can be trained on this machine.")
        return
    console.say(f"\n* {advised.title} is the one for this machine.")
    console.say(f"  {fit_sentence(advised.fit(machine), machine)}")
    console.say(f"  overnight download {advised.source}")


def _bits(bits: int) -> str:
    return f"{bits} bit, " if bits else ""


def _as_result(entry: Entry, machine: Machine, in_library: str | None) -> dict[str, object]:
    return {
        "repo": entry.repo,
        "revision": entry.revision,
        "title": entry.title,
        "bytes": entry.bytes,
        "parameters": entry.parameters,
        "context": entry.context,
        "licence": entry.licence,
        "open_source": entry.is_open_source,
        "licence_link": licence_link(entry.licence, entry.repo),
        "languages": list(entry.languages),
        "thinks": entry.thinks,
        "good_for": entry.good_for,
        "computed": list(entry.computed),
        "in_library": in_library,
        **fit_results(entry.fit(machine)),
    }


def _found_result(found: Found) -> dict[str, object]:
    return {
        "path": str(found.path),
        "title": found.title,
        "program": found.program,
        "source": found.source,
        "bytes": found.bytes,
        "bits": found.bits,
        "parameters": found.parameters,
        "why_not": found.why_not,
        "in_library": found.in_library or None,
        **fit_results(found.fit),
    }
