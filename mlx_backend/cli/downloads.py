"""The command that downloads a base model."""

from __future__ import annotations

import argparse

from mlx_backend.catalogue.repository_names import repository_of
from mlx_backend.cli.amounts import data_size
from mlx_backend.cli.arrivals import (
    ArrivalSpec,
    begin,
    cancel_arrivals,
    checked_name,
    follow_arrival,
    there_already,
)
from mlx_backend.cli.console import Console
from mlx_backend.jobs import JobFolder
from mlx_backend.library import Library
from mlx_backend.protocol import DownloadSpec


def download(options: argparse.Namespace, console: Console) -> dict[str, object]:
    """`overnight download REPO`: fetch a base model, or go on fetching it; or --cancel that."""
    library = Library.open()
    repo, revision = repository_of(options.repository)
    if options.cancel:

        def is_of_it(begun: ArrivalSpec) -> bool:
            return isinstance(begun, DownloadSpec) and begun.repo == repo

        return cancel_arrivals(library, is_of_it, f"download of {repo}", console)
    spec = DownloadSpec(
        repo=repo,
        revision=revision,
        name=checked_name(library, options.name),
        bits=options.bits,
    )

    def is_same(begun: ArrivalSpec) -> bool:
        if not isinstance(begun, DownloadSpec) or spec.name not in ("", begun.name):
            return False
        asked = (spec.repo, spec.revision, spec.bits)
        return (begun.repo, begun.revision, begun.bits) == asked

    found = begin(
        library, spec, is_same, lambda: _look(library, spec, not options.detach, console), console
    )
    if isinstance(found, JobFolder):
        return follow_arrival(found, options.detach, console)
    return found


def _look(
    library: Library, spec: DownloadSpec, will_follow: bool, console: Console
) -> dict[str, object] | None:
    """What the Hub says at once; the result where the same commit is in the library already.

    Raises OvernightError now for what would fail after the start.
    """
    from mlx_backend.catalogue.licences import licence_notice
    from mlx_backend.models.hub.access import Access
    from mlx_backend.models.hub.fetching import require_room
    from mlx_backend.models.hub.repository import look_up
    from mlx_backend.models.hub.wanted import wanted_files

    repository = look_up(spec.repo, spec.revision, Access.from_environment())
    there = there_already(library, repository.source, spec.name, spec.bits, console)
    if there is not None:
        return there
    size = sum(file.size for file in wanted_files(repository))
    require_room(library.jobs, size)
    console.say(f"{repository.source}: {data_size(size)}, licence: {repository.licence or '?'}")
    notice = licence_notice(repository.licence, repository.name)
    if notice and not will_follow:  # else the job tells it
        console.note(notice)
    return None
