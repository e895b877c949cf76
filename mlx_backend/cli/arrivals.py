"""Models that come into the library by a job: downloads and adoptions, followed, paused, listed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mlx_backend.cli.amounts import counted, data_size
from mlx_backend.cli.console import Console
from mlx_backend.cli.following import follow_until_stopped, wait_for_end
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.jobs import JobFolder, JobState, JobStatus, launch
from mlx_backend.library import Library
from mlx_backend.protocol import AdoptSpec, DownloadSpec

if TYPE_CHECKING:
    from collections.abc import Callable

    from mlx_backend.library.models import BaseModel

_READS = "It reads passages of your notes and words its answers itself."
_QUOTES = "It does not read well enough to word answers itself: with notes it quotes them."

_PATIENCE_S = 10.0

ArrivalSpec = DownloadSpec | AdoptSpec


def spec_of(folder: JobFolder) -> ArrivalSpec | None:
    """What a download or an adoption was asked to do; None of another job."""
    try:
        spec = folder.spec()
    except (OvernightError, OSError):
        return None
    return spec if isinstance(spec, DownloadSpec | AdoptSpec) else None


def is_arrival(folder: JobFolder) -> bool:
    """Whether a job is a download or an adoption."""
    return spec_of(folder) is not None


def find_job(library: Library, job_id: str) -> JobFolder:
    """The run, download or adoption with this id. Raises OvernightError when there is none."""
    for folder in unfinished(library):
        if folder.id == job_id:
            return folder
    return JobFolder.find(library.runs, job_id)


def unfinished(library: Library) -> list[JobFolder]:
    """The downloads and adoptions that are under way or can go on, the newest first."""
    return [
        folder
        for folder in JobFolder.all(library.jobs)
        if is_arrival(folder) and not _is_done(folder.status())
    ]


def show_unfinished(library: Library, console: Console) -> dict[str, object]:
    """Print the downloads and adoptions that are not done; returns both lists for --json."""
    downloads: list[dict[str, object]] = []
    adoptions: list[dict[str, object]] = []
    for folder in unfinished(library):
        is_adoption = isinstance(spec_of(folder), AdoptSpec)
        (adoptions if is_adoption else downloads).append(_shown(folder, console))
    return {"downloads": downloads, "adoptions": adoptions}


def cancel_arrivals(
    library: Library, is_of_it: Callable[[ArrivalSpec], bool], what: str, console: Console
) -> dict[str, object]:
    """Stop the jobs of whose specs `is_of_it` is true, and remove what they have so far.

    Those that failed are removed too. `what` names them, such as "download of OWNER/NAME". Raises
    OvernightError where there is none.
    """
    cancelled = [
        folder.id
        for folder in JobFolder.all(library.jobs)
        if (spec := spec_of(folder)) and is_of_it(spec) and _removed(folder)
    ]
    if not cancelled:
        raise OvernightError(
            ErrorKind.RUN_UNKNOWN,
            f"There is no unfinished {what}.",
            "`overnight models` lists those that there are.",
        )
    kind = what.partition(" ")[0]
    console.say(f"Cancelled {counted(len(cancelled), kind)}; what had come is removed.")
    return {"cancelled": cancelled}


def _removed(folder: JobFolder) -> bool:
    """Stop a job and remove its folder; False where it has finished already."""
    from mlx_backend.files import remove_folder
    from mlx_backend.locks import held

    if folder.status().state is JobState.FINISHED:
        return False
    folder.request_stop()
    if wait_for_end(folder).state is JobState.FINISHED:
        return False
    with held(folder.path / "lock", _PATIENCE_S):
        remove_folder(folder.path)
    return True


def begin(
    library: Library,
    spec: ArrivalSpec,
    is_same: Callable[[ArrivalSpec], bool],
    look: Callable[[], dict[str, object] | None],
    console: Console,
) -> JobFolder | dict[str, object]:
    """Start the job of a spec, or go on with the unfinished one of which `is_same` is true.

    `look` is called before a new one: what it returns is the result without any job, and what it
    raises ends the command. Returns the job's folder, or that result.
    """
    for folder in unfinished(library):
        begun = spec_of(folder)
        if begun is not None and is_same(begun):
            if folder.status().state.is_over:
                console.say(f"Going on with {folder.id}.")
                launch(folder)
            return folder
    there = look()
    if there is not None:
        return there
    folder = JobFolder.create(library.jobs, spec)
    launch(folder)
    return folder


def follow_arrival(folder: JobFolder, leave: bool, console: Console) -> dict[str, object]:
    """Show a download or an adoption until it is over; with `leave`, return at once.

    Returns what the command gives with --json. Raises OvernightError when it fails. Ctrl-C and
    SIGTERM pause it; when the terminal is closed, it goes on by itself.
    """
    if leave:
        console.say(f"Started {folder.id}. It goes on by itself: overnight models")
        return {"run": folder.id, "status": JobState.STARTING.value}
    status = follow_until_stopped(folder, "Paused", lambda _: _go_on(folder), console)
    return _outcome(folder, status, console)


def pause_arrival(folder: JobFolder, console: Console) -> dict[str, object]:
    """Ask a download or an adoption to stop and wait until it has; what is there is kept."""
    folder.request_stop()
    status = wait_for_end(folder)
    if status.state is JobState.STOPPED:
        console.say(f"Paused. {_go_on(folder)}")
    else:
        console.say(f"{folder.id}: {status.state.value}.")
    return {"run": folder.id, "status": status.state.value}


def checked_name(library: Library, name: str | None) -> str:
    """The name that somebody wants for a new model, "" for none.

    Raises OvernightError where no model can have it, or one has it already.
    """
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


def there_already(
    library: Library, source: str, name: str, bits: int, console: Console
) -> dict[str, object] | None:
    """The result where the library has the same model, in the same form, already."""
    from mlx_backend.library.models import list_models

    for model in list_models(library.models):
        card = model.card
        is_same = card.source == source and bits == (card.quantised.bits if card.quantised else 0)
        if is_same and name in ("", card.name):
            return told_of_there(model, console)
    return None


def told_of_there(model: BaseModel, console: Console) -> dict[str, object]:
    """Say that a model is in the library already; returns the fields of the command's --json.

    They are those of an arrival; `run` is None, because no job was needed.
    """
    from mlx_backend.adoption.taking_in import result_of

    result = result_of(model)
    console.say(f"It is in the library already, as '{model.card.name}'.")
    say_abilities(result, console)
    return {**result, "run": None}


def say_abilities(result: Mapping[str, object], console: Console) -> None:
    """Say what the trial of a model found, as far as a result tells it."""
    reads, thinks, quantised = (result.get(name) for name in ("reads", "thinks", "quantised"))
    if reads is not None:
        console.say(_READS if reads else _QUOTES)
    if thinks:
        console.say("It can think aloud before it answers: overnight chat --think")
    if isinstance(quantised, Mapping) and (cost := quantised.get("cost")):
        console.say(f"{cost}.")


def _outcome(folder: JobFolder, status: JobStatus, console: Console) -> dict[str, object]:
    done, what = (
        ("Adopted", "adoption")
        if isinstance(spec_of(folder), AdoptSpec)
        else ("Downloaded", "download")
    )
    match status.state:
        case JobState.FINISHED:
            name, path = status.result.get("model"), status.result.get("path")
            console.say(f"{done} '{name}' to {path}.")
            say_abilities(status.result, console)
            console.say(f'Train on it: overnight train --model "{name}" --name NAME')
            return {**status.result, "run": folder.id}
        case JobState.STOPPED:
            console.say(f"Paused. {_go_on(folder)}")
            return {"run": folder.id, "status": "stopped"}
        case JobState.FAILED if status.error is not None:
            raise status.error.to_error()
    raise OvernightError(
        ErrorKind.RUN_STATE,
        f"The process of the {what} {folder.id} was killed, or it crashed.",
        f"What is there is kept. {_go_on(folder)}",
    )


def _go_on(folder: JobFolder) -> str:
    return f"Go on with: overnight resume {folder.id}"


def _is_done(status: JobStatus) -> bool:
    """Whether there is nothing to go on with: it is whole, or no model that can be used."""
    refused = status.error is not None and status.error.kind in (
        ErrorKind.BAD_INPUT,
        ErrorKind.MODEL_EXISTS,
        ErrorKind.PATH_MISSING,
    )
    return status.state is JobState.FINISHED or (status.state is JobState.FAILED and refused)


def _shown(folder: JobFolder, console: Console) -> dict[str, object]:
    from mlx_backend.adoption.adopt import amount_placed
    from mlx_backend.models.hub.fetching import amount_fetched

    spec, state = spec_of(folder), folder.status().state.value
    is_adoption = isinstance(spec, AdoptSpec)
    done, total = amount_placed(folder) if is_adoption else amount_fetched(folder)
    amount = f"{data_size(done)} of {data_size(total)}"
    what, key, of = ("Adoption", "path", "") if is_adoption else ("Download", "repo", "")
    if isinstance(spec, AdoptSpec):
        of = spec.path
    elif isinstance(spec, DownloadSpec):
        of = spec.repo
    console.say(f"{what} {folder.id}: {of}, {state}, {amount}")
    return {"id": folder.id, key: of, "status": state, "bytes": done, "total": total}
