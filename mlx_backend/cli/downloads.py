"""The command that downloads a base model, and what other commands say of downloads."""

from __future__ import annotations

import argparse

from mlx_backend.cli.amounts import counted, data_size
from mlx_backend.cli.console import Console
from mlx_backend.cli.following import follow, wait_for_end
from mlx_backend.cli.run_outcome import terminated_as_by_ctrl_c
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.jobs import JobFolder, JobState, JobStatus, launch
from mlx_backend.library import Library
from mlx_backend.protocol import DownloadSpec

_PATIENCE_S = 10.0


def download(options: argparse.Namespace, console: Console) -> dict[str, object]:
    """`overnight download REPO`: fetch a base model, or go on fetching it; or --cancel that."""
    from mlx_backend.models.hub.repository import split_revision

    library = Library.open()
    repo, revision = split_revision(options.repository)
    if options.cancel:
        return _cancel(library, repo, console)
    spec = DownloadSpec(repo=repo, revision=revision, name=_checked_name(library, options.name))
    folder = _begun(library, spec)
    if folder is None:
        there = _there_already(library, spec, not options.detach, console)
        if there is not None:
            return there
        folder = JobFolder.create(library.jobs, spec)
        launch(folder)
    elif folder.status().state.is_over:
        console.say(f"Going on with the download {folder.id}.")
        launch(folder)
    return follow_download(folder, options.detach, console)


def find_job(library: Library, job_id: str) -> JobFolder:
    """The run or the download with this id. Raises OvernightError when there is none."""
    for folder in unfinished(library):
        if folder.id == job_id:
            return folder
    return JobFolder.find(library.runs, job_id)


def is_download(folder: JobFolder) -> bool:
    """Whether a job is a download."""
    return isinstance(_spec(folder), DownloadSpec)


def unfinished(library: Library) -> list[JobFolder]:
    """The downloads that are under way or can go on, the newest first."""
    return [
        folder
        for folder in JobFolder.all(library.jobs)
        if is_download(folder) and not _is_done(folder.status())
    ]


def show_unfinished(library: Library, console: Console) -> list[dict[str, object]]:
    """Print the downloads that are not done; returns them for --json."""
    return [_shown(folder, console) for folder in unfinished(library)]


def follow_download(folder: JobFolder, leave: bool, console: Console) -> dict[str, object]:
    """Show a download until it is over; with `leave`, return at once.

    Returns what the command gives with --json. Raises OvernightError when it fails. Ctrl-C and
    SIGTERM pause it; when the terminal is closed, it goes on by itself.
    """
    if leave:
        console.say(f"Started {folder.id}. It goes on by itself: overnight models")
        return {"run": folder.id, "status": JobState.STARTING.value}
    try:
        with terminated_as_by_ctrl_c():
            status = follow(folder)
    except KeyboardInterrupt:
        folder.request_stop()
        wait_for_end(folder)
        console.note(f"\nPaused. {_go_on(folder)}")
        raise
    return _outcome(folder, status, console)


def pause_download(folder: JobFolder, console: Console) -> dict[str, object]:
    """Ask a download to stop and wait until it has; what is there is kept."""
    folder.request_stop()
    status = wait_for_end(folder)
    if status.state is JobState.STOPPED:
        console.say(f"Paused. {_go_on(folder)}")
    else:
        console.say(f"{folder.id}: {status.state.value}.")
    return {"run": folder.id, "status": status.state.value}


def _checked_name(library: Library, name: str | None) -> str:
    from mlx_backend.library.adapter_names import check_name
    from mlx_backend.library.models import STARTER, model_name_taken

    if name is None:
        return ""
    name = check_name(name, "a base model")
    taken = model_name_taken(library.models, name)
    if taken is not None or name.casefold() == STARTER:
        raise OvernightError(
            ErrorKind.MODEL_EXISTS,
            f"There is already a base model called '{taken or STARTER}'.",
            "Choose another name, or remove that one first: `overnight models --remove NAME`.",
        )
    return name


def _begun(library: Library, spec: DownloadSpec) -> JobFolder | None:
    """The unfinished download of the same, which goes on in place of a new one."""
    for folder in unfinished(library):
        begun = _spec(folder)
        if not isinstance(begun, DownloadSpec):
            continue
        is_same = (begun.repo, begun.revision) == (spec.repo, spec.revision)
        if is_same and spec.name in ("", begun.name):
            return folder
    return None


def _there_already(
    library: Library, spec: DownloadSpec, will_follow: bool, console: Console
) -> dict[str, object] | None:
    """What the Hub says at once; the result where the same commit is in the library already.

    Raises OvernightError now for what would fail after the start.
    """
    from mlx_backend.catalogue.licences import licence_notice
    from mlx_backend.library.models import list_models
    from mlx_backend.models.hub.access import Access
    from mlx_backend.models.hub.download import require_room, result_of
    from mlx_backend.models.hub.repository import look_up
    from mlx_backend.models.hub.wanted import wanted_files

    repository = look_up(spec.repo, spec.revision, Access.from_environment())
    for model in list_models(library.models):
        if model.card.source == repository.source and spec.name in ("", model.card.name):
            console.say(f"It is in the library already, as '{model.card.name}'.")
            return result_of(model)
    size = sum(file.size for file in wanted_files(repository))
    require_room(library.jobs, size)
    console.say(f"{repository.source}: {data_size(size)}, licence: {repository.licence or '?'}")
    notice = licence_notice(repository.licence, repository.name)
    if notice and not will_follow:  # else the job tells it
        console.note(notice)
    return None


def _outcome(folder: JobFolder, status: JobStatus, console: Console) -> dict[str, object]:
    match status.state:
        case JobState.FINISHED:
            name, path = status.result.get("model"), status.result.get("path")
            console.say(f"Downloaded '{name}' to {path}.")
            console.say(f'Train on it: overnight train --model "{name}" --name NAME')
            return {**status.result, "run": folder.id}
        case JobState.STOPPED:
            console.say(f"Paused. {_go_on(folder)}")
            return {"run": folder.id, "status": "stopped"}
        case JobState.FAILED if status.error is not None:
            raise status.error.to_error()
    raise OvernightError(
        ErrorKind.RUN_STATE,
        f"The process of the download {folder.id} was killed, or it crashed.",
        f"What is there is kept. {_go_on(folder)}",
    )


def _go_on(folder: JobFolder) -> str:
    return f"Go on with: overnight resume {folder.id}"


def _cancel(library: Library, repo: str, console: Console) -> dict[str, object]:
    """Stop the unfinished downloads of a repository, and remove what they have fetched."""
    from mlx_backend.files import remove_folder
    from mlx_backend.locks import held

    cancelled = []
    for folder in unfinished(library):
        spec = _spec(folder)
        if not isinstance(spec, DownloadSpec) or spec.repo != repo:
            continue
        folder.request_stop()
        wait_for_end(folder)
        with held(folder.path / "lock", _PATIENCE_S):
            remove_folder(folder.path)
        cancelled.append(folder.id)
    if not cancelled:
        raise OvernightError(
            ErrorKind.RUN_UNKNOWN,
            f"There is no unfinished download of {repo}.",
            "`overnight models` lists those that there are.",
        )
    console.say(f"Cancelled {counted(len(cancelled), 'download')}; what was fetched is removed.")
    return {"cancelled": cancelled}


def _is_done(status: JobStatus) -> bool:
    """Whether there is nothing to go on with: it is whole, or no model that can be used."""
    refused = status.error is not None and status.error.kind == ErrorKind.BAD_INPUT
    return status.state is JobState.FINISHED or (status.state is JobState.FAILED and refused)


def _shown(folder: JobFolder, console: Console) -> dict[str, object]:
    from mlx_backend.models.hub.download import amount_fetched

    spec = _spec(folder)
    repo = spec.repo if isinstance(spec, DownloadSpec) else ""
    state = folder.status().state.value
    done, total = amount_fetched(folder)
    amount = f"{data_size(done)} of {data_size(total)}"
    console.say(f"Download {folder.id}: {repo}, {state}, {amount}")
    return {"id": folder.id, "repo": repo, "status": state, "bytes": done, "total": total}


def _spec(folder: JobFolder) -> object:
    try:
        return folder.spec()
    except (OvernightError, OSError):
        return None
