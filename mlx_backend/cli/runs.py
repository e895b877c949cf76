"""The commands about runs."""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from datetime import datetime

from mlx_backend.cli.console import Console
from mlx_backend.cli.following import wait_for_end
from mlx_backend.cli.reminders import remind_of_cut_short
from mlx_backend.cli.run_end import follow_or_leave
from mlx_backend.cli.wording import counted, duration
from mlx_backend.errors import Kind, OvernightError
from mlx_backend.jobs import JobFolder, launch
from mlx_backend.library import Library
from mlx_backend.library.adapters import check_name
from mlx_backend.protocol import Host, TrainSpec
from mlx_backend.settings import load_settings


def plan(options: argparse.Namespace, console: Console) -> dict[str, object]:
    """`overnight plan`: a few real steps, and what follows from them."""
    from mlx_backend import accelerator

    accelerator.prepare()
    import msgspec

    from mlx_backend.dataset.compose import gather
    from mlx_backend.dataset.planned import planned_dataset
    from mlx_backend.library import database
    from mlx_backend.library.notes import Notes
    from mlx_backend.night.deadline import latest_end, training_deadline
    from mlx_backend.starter import find_base_model
    from mlx_backend.study.store import Samples
    from mlx_backend.training.plan import plan_what_fits
    from mlx_backend.training.preparation import prepare
    from mlx_backend.training.study_stage import budget, expected_seconds

    library = Library.open()
    spec = _spec(library, options, "plan")
    model = find_base_model(library, spec.model)
    with database.opened(library.database) as connection:
        material, samples = gather(Notes(connection)), Samples(connection)
        dataset = planned_dataset(samples, material, spec.study, model.reads_by_itself, spec.seed)
        now = time.time()
        may_take = budget(latest_end(spec, now), now) if spec.study else 0.0
        study_s = expected_seconds(samples, material, model, may_take)
    deadline = training_deadline(spec, now, study_s)
    planned, _ = plan_what_fits(spec, dataset, prepare(library, spec, dataset), deadline)
    planned = msgspec.structs.replace(planned, minutes=round(planned.minutes + study_s / 60, 2))
    console.say(
        f"{counted(planned.samples, 'sample')} from {counted(planned.notes, 'note')},"
        f" {counted(planned.steps, 'step')}:"
        f" about {duration(planned.minutes * 60)} and {planned.peak_bytes / 1e9:.1f} GB of memory."
    )
    if options.steps and planned.steps < options.steps:
        console.say(f"No more of the {options.steps:,} steps fit into the time.")
    if planned.down:
        console.say(f"So that it fits into memory, it is computed {planned.way}.")
    if not planned.fits:
        console.say("That does not fit into the memory that is free now.")
        if planned.instead:
            console.say(f"With another base model it would fit: --model {planned.instead}")
    return {name: getattr(planned, name) for name in planned.__struct_fields__}


def train(options: argparse.Namespace, console: Console) -> dict[str, object]:
    """`overnight train`: start a run, and follow it unless --detach is given."""
    library = Library.open()
    spec = _spec(library, options, check_name(options.name))
    _check_before_start(library, spec)
    remind_of_cut_short(library, console)
    folder = JobFolder.create(library.runs, spec)
    launch(folder)
    return follow_or_leave(library, folder, options.detach, console)


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
    status = wait_for_end(folder)
    console.say(f"{folder.id}: {status.state.value} at step {status.step} of {status.steps}.")
    return {"run": folder.id, "status": status.state.value, "step": status.step}


def list_runs(options: argparse.Namespace, console: Console) -> dict[str, object]:
    """`overnight runs`."""
    rows = []
    library = Library.open()
    for folder in JobFolder.all(library.runs):
        status = folder.status()
        waiting = None if status.state.is_over else status.waiting
        rows.append(
            {
                "id": folder.id,
                "name": _name_of(folder),
                "status": status.state.value,
                "stage": "" if status.state.is_over else status.stage,
                "step": status.step,
                "steps": status.steps,
                "waiting": waiting.reason if waiting else None,
                "why": waiting.text if waiting else "",
            }
        )
    if rows:
        _show_runs(rows, console)
    else:
        console.say("No runs yet. Start one: overnight train --name NAME")
    remind_of_cut_short(library, console)
    return {"runs": rows}


def _show_runs(rows: Sequence[Mapping[str, object]], console: Console) -> None:
    heads = ["Run", "Adapter", "Status", "Step"]
    some_wait = any(row["waiting"] for row in rows)
    console.table(
        [*heads, "Why"] if some_wait else heads,
        [
            (
                row["id"],
                row["name"],
                "waiting" if row["waiting"] else row["stage"] or row["status"],
                f"{row['step']}/{row['steps']}",
                *([row["why"]] if some_wait else []),
            )
            for row in rows
        ],
    )


def _spec(library: Library, options: argparse.Namespace, name: str) -> TrainSpec:
    settings = load_settings(library.settings)
    start_at, finish_by = _moments(options)
    is_bounded = options.steps or finish_by
    return TrainSpec(
        name=name,
        model=options.model or settings.base_model,
        steps=options.steps,
        hours=options.hours or (None if is_bounded else settings.hours),
        start_at=start_at,
        finish_by=finish_by,
        start_from=getattr(options, "start_from", None),
        passes=settings.passes,
        kind=settings.adapter_kind,
        rank=settings.rank,
        low_memory=settings.low_memory,
        study=not getattr(options, "no_study", False),
        learning_rate=settings.learning_rate,
        patience=settings.patience,
        hosts=_hosts(options),
    )


def _hosts(options: argparse.Namespace) -> tuple[Host, ...]:
    """The machines to train on. Raises OvernightError when the file does not name any."""
    if not getattr(options, "hosts", None):
        return ()
    from mlx_backend.jobs.hosts import read_hosts

    return read_hosts(options.hosts)


def _moments(options: argparse.Namespace) -> tuple[float | None, float | None]:
    """When the run starts, and when it is done at the latest, as Unix times.

    Raises OvernightError for a time that is over, or an end that comes before the start.
    """
    from mlx_backend.night.clock_times import read_moment

    now = datetime.now()
    start = read_moment(options.start_at, now) if getattr(options, "start_at", None) else None
    finish_by = getattr(options, "finish_by", None)
    end = read_moment(finish_by, start or now) if finish_by else None
    return start.timestamp() if start else None, end.timestamp() if end else None


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


def _name_of(folder: JobFolder) -> str:
    try:
        spec = folder.spec()
    except (OvernightError, OSError):
        return "?"
    return spec.name if isinstance(spec, TrainSpec) else "?"
