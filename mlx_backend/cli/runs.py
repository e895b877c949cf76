"""The commands about runs."""

from __future__ import annotations

import argparse
import sys
import time
from typing import NoReturn

from tqdm import tqdm

from mlx_backend import protocol
from mlx_backend.cli.console import Console
from mlx_backend.cli.reminders import remind_of_cut_short
from mlx_backend.errors import Kind, OvernightError
from mlx_backend.jobs import JobFolder, JobState, JobStatus, launch
from mlx_backend.library import Library
from mlx_backend.library.adapters import check_name
from mlx_backend.locks import is_held
from mlx_backend.protocol import TrainSpec
from mlx_backend.settings import load_settings

_POLL_S = 0.1
_STAGES = {"preparing": "Preparing", "training": "Training", "saving": "Saving"}


def plan(options: argparse.Namespace, console: Console) -> dict[str, object]:
    """`overnight plan`: a few real steps, and what follows from them."""
    from mlx_backend import accelerator

    accelerator.prepare()
    from mlx_backend.dataset import make_dataset
    from mlx_backend.library import database
    from mlx_backend.library.notes import Notes
    from mlx_backend.training.plan import make_plan
    from mlx_backend.training.preparation import prepare

    library = Library.open()
    spec = _spec(library, options, "plan")
    with database.opened(library.database) as connection:
        dataset = make_dataset(Notes(connection), spec.seed)
    planned = make_plan(spec, dataset, prepare(library, spec, dataset))
    console.say(
        f"{planned.samples} samples from {planned.notes} notes, {planned.steps} steps:"
        f" about {_duration(planned.minutes * 60)} and {planned.peak_bytes / 1e9:.1f} GB of memory."
    )
    if not planned.fits:
        console.say("That does not fit into the memory that is free now.")
    return {name: getattr(planned, name) for name in planned.__struct_fields__}


def train(options: argparse.Namespace, console: Console) -> dict[str, object]:
    """`overnight train`: start a run, and follow it unless --detach is given."""
    library = Library.open()
    spec = _spec(library, options, check_name(options.name))
    _check_before_start(library, spec)
    remind_of_cut_short(library, console)
    folder = JobFolder.create(library.runs, spec)
    launch(folder)
    return _follow_or_leave(folder, options.detach, console)


def resume(options: argparse.Namespace, console: Console) -> dict[str, object]:
    """`overnight resume RUN`: go on from the last checkpoint."""
    library = Library.open()
    folder = JobFolder.find(library.runs, options.run_id)
    state = folder.status().state
    if not state.can_resume:
        raise OvernightError(
            Kind.RUN_STATE,
            f"The run {folder.id} is {state.value}; there is nothing to go on with.",
            "`overnight runs` shows which runs were stopped or interrupted.",
        )
    _check_lane(library)
    launch(folder)
    return _follow_or_leave(folder, options.detach, console)


def stop(options: argparse.Namespace, console: Console) -> dict[str, object]:
    """`overnight stop RUN`: ask, and wait until it has saved and ended."""
    folder = JobFolder.find(Library.open().runs, options.run_id)
    if folder.status().state.is_over:
        raise OvernightError(
            Kind.RUN_STATE,
            f"The run {folder.id} is not running.",
            "`overnight runs` shows which runs are.",
        )
    folder.request_stop()
    while not (status := folder.status()).state.is_over:
        time.sleep(_POLL_S)
    console.say(f"{folder.id}: {status.state.value} at step {status.step} of {status.steps}.")
    return {"run": folder.id, "status": status.state.value, "step": status.step}


def list_runs(options: argparse.Namespace, console: Console) -> dict[str, object]:
    """`overnight runs`."""
    rows = []
    library = Library.open()
    for folder in JobFolder.all(library.runs):
        status = folder.status()
        name = _name_of(folder)
        rows.append(
            {
                "id": folder.id,
                "name": name,
                "status": status.state.value,
                "step": status.step,
                "steps": status.steps,
            }
        )
    if rows:
        cells = [(r["id"], r["name"], r["status"], f"{r['step']}/{r['steps']}") for r in rows]
        console.table(["Run", "Adapter", "Status", "Step"], cells)
    else:
        console.say("No runs yet. Start one: overnight train --name NAME")
    remind_of_cut_short(library, console)
    return {"runs": rows}


def _spec(library: Library, options: argparse.Namespace, name: str) -> TrainSpec:
    settings = load_settings(library.settings)
    return TrainSpec(
        name=name,
        model=options.model or settings.base_model,
        steps=options.steps,
        hours=options.hours or (None if options.steps else settings.hours),
        start_from=getattr(options, "start_from", None),
        passes=settings.passes,
        rank=settings.rank,
        learning_rate=settings.learning_rate,
    )


def _check_before_start(library: Library, spec: TrainSpec) -> None:
    """Say now what would otherwise fail after the start."""
    from mlx_backend.library import database
    from mlx_backend.library.adapters import read_adapter
    from mlx_backend.library.models import STARTER, read_model
    from mlx_backend.library.notes import Notes

    if (library.adapters / spec.name).exists():
        raise OvernightError(
            Kind.ADAPTER_EXISTS,
            f"There is already an adapter called '{spec.name}'.",
            "Choose another name, or remove that one first.",
        )
    with database.opened(library.database) as connection:
        Notes(connection).require_some()
    if spec.model != STARTER:
        read_model(library.models, spec.model)
    if spec.start_from:
        read_adapter(library.adapters, spec.start_from)
    _check_lane(library)


def _check_lane(library: Library) -> None:
    if is_held(library.lane):
        raise OvernightError(
            Kind.BUSY,
            "Another run is training with this library.",
            "Wait until it is done, or stop it: overnight runs, overnight stop RUN",
        )


def _follow_or_leave(folder: JobFolder, leave: bool, console: Console) -> dict[str, object]:
    if leave:
        console.say(f"Started {folder.id}. It goes on by itself: overnight runs")
        return {"run": folder.id, "status": JobState.STARTING.value}
    try:
        status = follow(folder)
    except KeyboardInterrupt:
        _stop_politely(folder, console)
        raise
    return _outcome(folder, status, console)


def follow(folder: JobFolder) -> JobStatus:
    """Show a run's progress on stderr until it is over."""
    status, reader = JobStatus(), folder.reader()
    with tqdm(unit="step", file=sys.stderr, disable=None, leave=False) as bar:
        while True:
            for event in folder.refresh(status, reader):
                _show(bar, event)
            if status.state.is_over:
                return status
            time.sleep(_POLL_S)


def _show(bar: tqdm[NoReturn], event: protocol.JobEvent) -> None:
    match event:
        case protocol.StageBegan():
            bar.set_description(_STAGES.get(event.stage, event.stage))
        case protocol.Planned():
            bar.total = event.steps
            bar.refresh()
        case protocol.StepDone():
            bar.set_postfix_str(
                f"loss {event.loss:.2f}, {event.tokens_per_second:.0f} tokens/s", refresh=False
            )
            bar.update(event.step - bar.n)
        case protocol.Notice() | protocol.AttemptEnded():
            bar.write(event.text, file=sys.stderr)
        case _:
            pass


def _stop_politely(folder: JobFolder, console: Console) -> None:
    console.note("\nStopping after this step; press Ctrl-C again not to wait for it.")
    folder.request_stop()
    status = follow(folder)
    console.note(
        f"Stopped at step {status.step}. Go on with: overnight resume {folder.id}"
        if status.state is JobState.STOPPED
        else f"The run is {status.state.value}."
    )


def _outcome(folder: JobFolder, status: JobStatus, console: Console) -> dict[str, object]:
    go_on = f"Go on with: overnight resume {folder.id}"
    if status.state is JobState.FAILED and status.error is not None:
        error = status.error.to_error()
        error.hint = f"{error.hint} {go_on}".strip()
        raise error
    if status.state is JobState.INTERRUPTED:
        raise OvernightError(
            Kind.RUN_STATE,
            f"The run {folder.id} ended without a word; its process was killed or crashed.",
            f"Its last checkpoint is safe. {go_on}",
            _tail(folder),
        )
    if status.state is JobState.STOPPED:
        console.say(f"Stopped at step {status.step} of {status.steps}. {go_on}")
        return {"run": folder.id, "status": "stopped", "step": status.step}
    result = status.result
    console.say(
        f"Trained '{result['adapter']}' in {result['steps']} steps,"
        f" {_duration(_number(result['minutes']) * 60)}."
    )
    if result.get("valid_loss") is not None:
        console.say(
            f"Held-out loss: {_number(result['base_valid_loss']):.2f} before,"
            f" {_number(result['valid_loss']):.2f} after (lower is better)."
        )
    console.say(f'Chat with it: overnight chat --adapter "{result["adapter"]}"')
    return result


def _name_of(folder: JobFolder) -> str:
    try:
        spec = folder.spec()
    except (OvernightError, OSError):
        return "?"
    return spec.name if isinstance(spec, TrainSpec) else "?"


def _tail(folder: JobFolder) -> str:
    try:
        return folder.log_path.read_text(errors="replace")[-4000:]
    except OSError:
        return ""


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} seconds"
    if seconds < 90 * 60:
        return f"{round(seconds / 60)} minutes"
    return f"{seconds / 3600:.1f} hours"
