"""The command that adopts a base model which is on this machine already."""

from __future__ import annotations

import argparse
from pathlib import Path

from mlx_backend.cli.amounts import data_size
from mlx_backend.cli.arrivals import (
    ArrivalSpec,
    begin,
    checked_name,
    follow_arrival,
    there_already,
)
from mlx_backend.cli.console import Console
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.jobs import JobFolder
from mlx_backend.library import Library
from mlx_backend.protocol import AdoptSpec


def adopt(options: argparse.Namespace, console: Console) -> dict[str, object]:
    """`overnight adopt PATH`: take in a model on this machine, or go on with that."""
    library = Library.open()
    spec = AdoptSpec(
        path=_absolute(options.path),
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
            return there
    console.say(
        f"{origin.title}: {data_size(origin.size)}, licence: {origin.licence or NOT_STATED}"
    )
    return None


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
