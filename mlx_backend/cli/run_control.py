"""The commands that pause, stop and resume runs, downloads and adoptions."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from mlx_backend.cli.arrivals import find_job, follow_arrival, is_arrival, pause_arrival
from mlx_backend.cli.console import Console
from mlx_backend.cli.following import wait_for_end
from mlx_backend.cli.run_outcome import follow_or_leave, stopped
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.jobs import JobFolder, JobState, JobStatus, launch
from mlx_backend.library import Library
from mlx_backend.night.overtime import grant_time
from mlx_backend.settings import change_settings

_POLL_S = 0.1


def pause(options: argparse.Namespace, console: Console) -> dict[str, object]:
    """`overnight pause RUN`: ask the run to pause, and wait until it has saved and freed memory."""
    folder = _running(options.run_id)
    if is_arrival(folder):
        return pause_arrival(folder, console)
    folder.request_pause()
    console.say(f"Asked {folder.id} to pause; it saves a checkpoint first.")
    while not ((status := folder.status()).state.is_over or _is_paused(status)):
        time.sleep(_POLL_S)
    if status.state.is_over:  # the run ended before it noticed the request
        folder.clear_pause()
        console.say(f"{folder.id}: {status.state.value} at step {status.step}.")
        return {"run": folder.id, "status": status.state.value, "step": status.step}
    console.say(f"Paused at step {status.step}. Continue with: overnight resume {folder.id}")
    return {"run": folder.id, "status": "paused", "step": status.step}


def stop(options: argparse.Namespace, console: Console) -> dict[str, object]:
    """`overnight stop RUN`: ask the run to stop, and wait until it has saved and ended."""
    folder = _running(options.run_id)
    if is_arrival(folder):
        return pause_arrival(folder, console)
    folder.request_stop()
    console.say(f"Asked {folder.id} to stop; it saves a checkpoint first.")
    status = wait_for_end(folder)
    console.say(
        f"{folder.id}: {stopped(folder, status)}"
        if status.state is JobState.STOPPED
        else f"{folder.id}: {status.state.value} at step {status.step} of {status.steps}."
    )
    return {"run": folder.id, "status": status.state.value, "step": status.step}


def resume(options: argparse.Namespace, console: Console) -> dict[str, object]:
    """`overnight resume`: continue a run, or all interrupted runs, or set whether logins do so."""
    library = Library.open()
    if options.after_restart:
        return _set_after_restart(library, options.after_restart == "on", console)
    if options.waiting:
        return _resume_interrupted(library, console)
    folder = find_job(library, options.run_id)
    _go_on(folder, options.hosts)
    if is_arrival(folder):
        return follow_arrival(folder, options.detach, console)
    return follow_or_leave(library, folder, options.detach, console)


def _running(run_id: str) -> JobFolder:
    """The folder of a run that is not over.

    Raises OvernightError when there is no such run, or when it is over.
    """
    folder = find_job(Library.open(), run_id)
    if folder.status().state.is_over:
        raise OvernightError(
            ErrorKind.RUN_STATE,
            f"The run {folder.id} is not running.",
            "`overnight runs` shows which runs are running.",
        )
    return folder


def _go_on(folder: JobFolder, hosts: Path | None) -> None:
    status = folder.status()
    if hosts is not None and status.state.can_resume:
        from mlx_backend.jobs.hosts import go_on_with, read_hosts

        go_on_with(folder, read_hosts(hosts))
    if not status.state.is_over and folder.pause_requested():
        grant_time(folder)
        folder.clear_pause()
    elif status.state.can_resume:
        grant_time(folder)
        folder.clear_pause()
        launch(folder)
    else:
        waiting = status.waiting if not status.state.is_over else None
        raise OvernightError(
            ErrorKind.RUN_STATE,
            f"The run {folder.id} is {status.state.value}, so there is nothing to resume."
            + (f" {waiting.text}" if waiting else ""),
            "`overnight runs` shows which runs are paused, stopped or interrupted.",
        )


def _resume_interrupted(library: Library, console: Console) -> dict[str, object]:
    from mlx_backend.night.resuming import interrupted_runs

    folders = interrupted_runs(library)
    for folder in folders:
        launch(folder)
        console.say(f"Continuing {folder.id}.")
    if not folders:
        console.say("No run was interrupted.")
    return {"runs": [folder.id for folder in folders]}


def _set_after_restart(library: Library, wanted: bool, console: Console) -> dict[str, object]:
    from mlx_backend.night.after_restart import go_on_after_restart

    go_on_after_restart(library, wanted)
    change_settings(library.settings, go_on_after_restart=wanted)
    console.say(
        "Runs that a restart interrupts continue when you log in again."
        if wanted
        else "After a restart, interrupted runs wait until you continue them."
    )
    return {"after_restart": wanted}


def _is_paused(status: JobStatus) -> bool:
    return status.waiting is not None and status.waiting.reason == "paused"
