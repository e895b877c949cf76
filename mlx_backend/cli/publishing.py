"""The command that puts an adapter on the Hub."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from mlx_backend.catalogue.repository_names import repository_to_publish
from mlx_backend.cli.amounts import counted
from mlx_backend.cli.console import Console
from mlx_backend.cli.following import follow_until_stopped
from mlx_backend.cli.sharing_gate import SharingGate
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.jobs import JobFolder, JobState, JobStatus, launch
from mlx_backend.jobs.broken_publishing import go_on
from mlx_backend.library import Library
from mlx_backend.library.adapters import read_adapter
from mlx_backend.protocol import PublishSpec

if TYPE_CHECKING:
    from mlx_backend.library.adapters import Adapter


def publish(options: argparse.Namespace, console: Console) -> dict[str, object]:
    """`overnight publish NAME REPO`: put an adapter on the Hub, or its new version.

    Ctrl-C and SIGTERM stop it; what is in the repository is then as it was before.
    """
    library = Library.open()
    adapter = read_adapter(library.adapters, options.name)
    gate = SharingGate(library, adapter, "published", options)
    spec = _spec(gate)
    _check_before_start(library, adapter, spec)
    folder = JobFolder.create(library.jobs, spec)
    launch(folder)
    status = follow_until_stopped(folder, "Stopped", go_on, console)
    return _outcome(folder, status, gate, console)


def _spec(gate: SharingGate) -> PublishSpec:
    options, adapter = gate.options, gate.adapter
    return PublishSpec(
        name=adapter.name,
        adapter=adapter.card.id,
        repo=repository_to_publish(options.repository),
        private=not options.public,
        description=options.description,
        licence=options.licence,
        message=options.message,
        despite_pages=gate.despite_pages,
    )


def _check_before_start(library: Library, adapter: Adapter, spec: PublishSpec) -> None:
    """Raise OvernightError now for what would fail after the start."""
    from mlx_backend.catalogue.adapter_licences import chosen_licence
    from mlx_backend.library.adapter_bases import base_of
    from mlx_backend.library.models import read_model
    from mlx_backend.models.hub.access import Access
    from mlx_backend.models.hub.upload_refusals import no_token

    base = base_of(library, adapter.card)
    if base is not None:
        chosen_licence(read_model(library.models, base).card.licence, spec.licence)
    if not Access.from_environment().token:
        raise no_token()


def _outcome(
    folder: JobFolder, status: JobStatus, gate: SharingGate, console: Console
) -> dict[str, object]:
    match status.state:
        case JobState.FINISHED:
            gate.show(status.result, console)
            _tell(status, console)
            return {**status.result, "run": folder.id}
        case JobState.STOPPED:
            console.say(f"Stopped. {go_on(status)}")
            return {"run": folder.id, "status": "stopped"}
        case JobState.FAILED if status.error is not None:
            raise status.error.to_error()
    raise OvernightError(
        ErrorKind.RUN_STATE,
        f"The process that was publishing ({folder.id}) was killed, or it crashed.",
        go_on(status),
    )


def _tell(status: JobStatus, console: Console) -> None:
    result = status.result
    files = result.get("files")
    number = len(files) if isinstance(files, list) else 0
    seen = "Only you can see it." if result.get("private") else "Everybody can see it."
    done = "Published" if result.get("created") else "Updated"
    console.say(f"{done} “{result.get('adapter')}”: {counted(number, 'file')}. {seen}")
    console.say(str(result.get("url")))
