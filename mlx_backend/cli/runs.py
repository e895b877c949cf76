"""The commands that start and list runs."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence

from mlx_backend.cli.console import Console
from mlx_backend.cli.reminders import remind_of_interrupted
from mlx_backend.cli.run_outcome import follow_or_leave
from mlx_backend.cli.run_spec import requested_spec
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.jobs import JobFolder, launch
from mlx_backend.library import Library
from mlx_backend.library.adapter_names import check_name, is_same_name
from mlx_backend.protocol import TrainSpec


def train(options: argparse.Namespace, console: Console) -> dict[str, object]:
    """`overnight train`: start a run, and follow it unless --detach is given."""
    library = Library.open()
    spec = requested_spec(library, options, check_name(options.name))
    _check_before_start(library, spec)
    _tell_of_namesakes(library, spec.name, console)
    remind_of_interrupted(library, console)
    folder = JobFolder.create(library.runs, spec)
    launch(folder)
    return follow_or_leave(library, folder, options.detach, console)


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
    remind_of_interrupted(library, console)
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


def _check_before_start(library: Library, spec: TrainSpec) -> None:
    """Raise OvernightError now for what would fail after the start."""
    from mlx_backend.cli.bin import purge_bin
    from mlx_backend.library import database
    from mlx_backend.library.adapters import name_taken
    from mlx_backend.library.models import STARTER, read_model
    from mlx_backend.library.notes import Notes

    other = name_taken(library.adapters, spec.name)
    if other is not None:
        raise OvernightError(
            ErrorKind.ADAPTER_EXISTS,
            f"There is already an adapter called '{other}'.",
            "Choose another name, or remove that one first.",
        )
    with database.opened(library.database) as connection:
        Notes(connection).require_some()
        purge_bin(library, connection)
    if spec.model != STARTER:
        read_model(library.models, spec.model)


def _tell_of_namesakes(library: Library, name: str, console: Console) -> None:
    """Warn when runs that are not done yet may take the name first."""
    others = sum(
        is_same_name(_name_of(folder), name) and not folder.status().state.is_over
        for folder in JobFolder.all(library.runs)
        if not (folder.path / "report.json").exists()
    )
    if others:
        console.note(
            f"Another run is already training an adapter called '{name}'."
            f" If it finishes first, this one is saved as '{name} {others + 1}'."
        )


def _name_of(folder: JobFolder) -> str:
    try:
        spec = folder.spec()
    except (OvernightError, OSError):
        return "?"
    return spec.name if isinstance(spec, TrainSpec) else "?"
