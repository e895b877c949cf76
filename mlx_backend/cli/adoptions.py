"""The command that adopts a base model which is on this machine already."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from mlx_backend.cli.amounts import data_size
from mlx_backend.cli.arrivals import (
    ArrivalSpec,
    begin,
    cancel_arrivals,
    checked_name,
    follow_arrival,
    there_already,
    told_of_there,
)
from mlx_backend.cli.console import Console
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.jobs import JobFolder
from mlx_backend.library import Library
from mlx_backend.protocol import AdoptSpec

if TYPE_CHECKING:
    from mlx_backend.adoption.source.origin import Origin
    from mlx_backend.library.models import BaseModel


_NOTHING_BROUGHT: dict[str, object] = {"shared_bytes": 0, "copied_bytes": 0}


def adopt(options: argparse.Namespace, console: Console) -> dict[str, object]:
    """`overnight adopt PATH`: take in a model on this machine, or go on; or --cancel that."""
    library = Library.open()
    path = _absolute(options.path)
    if options.cancel:

        def is_of_it(begun: ArrivalSpec) -> bool:
            return isinstance(begun, AdoptSpec) and begun.path == path

        return cancel_arrivals(library, is_of_it, f"adoption of {path}", console)
    spec = AdoptSpec(
        path=path,
        name=checked_name(library, options.name),
        bits=options.bits,
    )

    def is_same(begun: ArrivalSpec) -> bool:
        if not isinstance(begun, AdoptSpec) or spec.name not in ("", begun.name):
            return False
        return (begun.path, begun.bits) == (spec.path, spec.bits)

    found = begin(library, spec, is_same, lambda: _look(library, spec, console), console)
    if isinstance(found, JobFolder):
        return follow_arrival(found, options.detach, console)
    return found


def _look(library: Library, spec: AdoptSpec, console: Console) -> dict[str, object] | None:
    """What is at the path; the result where the same model is in the library already.

    Raises OvernightError now for what would fail after the start.
    """
    from mlx_backend.adoption.adopt import require_not_adopted
    from mlx_backend.adoption.source.origin import find_origin
    from mlx_backend.adoption.taking_in import NOT_STATED

    origin = find_origin(Path(spec.path), library.models)
    if not spec.bits:
        require_not_adopted(library.models, origin)
    if origin.repository:
        there = there_already(library, origin.source, spec.name, spec.bits, console)
        if there is not None:
            return there | _NOTHING_BROUGHT
    if not (spec.name or spec.bits or origin.in_place):
        same = _with_its_weights(library, origin, console)
        if same is not None:
            console.say("To take it in once more, give it another name: --name NAME")
            return told_of_there(same, console) | _NOTHING_BROUGHT
    console.say(
        f"{origin.title}: {data_size(origin.size)}, licence: {origin.licence or NOT_STATED}"
    )
    return None


def _with_its_weights(library: Library, origin: Origin, console: Console) -> BaseModel | None:
    """The model of the library that has the same weights, by their check sum; None without one."""
    from mlx_backend.adoption.digests import digest_of_weights, digests_in
    from mlx_backend.catalogue.same_weights import have_same_weights, weights_in
    from mlx_backend.library.models import list_models

    folder = Path(origin.folder)
    sizes = weights_in(folder)
    alike = [
        model
        for model in list_models(library.models)
        if weights_in(model.path) == sizes and have_same_weights(folder, model.path, sizes)
    ]
    if not alike:
        return None
    console.note("It looks like a model of the library; comparing their check sums ...")
    digest = digest_of_weights(digests_in(folder, {}, lambda _: None))
    return next((model for model in alike if model.card.sha256 == digest), None)


def _absolute(path: Path) -> str:
    text = str(path.expanduser().absolute())
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise OvernightError(
            ErrorKind.BAD_INPUT,
            "The name of this folder is not valid UTF-8.",
            "Rename it, then adopt it.",
        ) from error
    return text
