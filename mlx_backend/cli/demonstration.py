"""The command that shows the whole journey in a terminal."""

from __future__ import annotations

import argparse
import dataclasses
import tempfile
from pathlib import Path

from mlx_backend.cli.console import Console
from mlx_backend.cli.demo import run_demo
from mlx_backend.cli.following import follow
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.library import Library


def demo(options: argparse.Namespace, console: Console) -> dict[str, object]:
    """`overnight demo`: sample notes, exam, training, exam again; in a fresh library."""
    if options.keep is not None:
        home = options.keep.expanduser()
        if home.exists() and (not home.is_dir() or any(home.iterdir())):
            raise OvernightError(
                ErrorKind.BAD_INPUT,
                f"There is already something at {home}.",
                "The demonstration needs a new folder to keep its library in.",
            )
        return _run(home, console)
    with tempfile.TemporaryDirectory(prefix="overnight-demo-") as folder:
        return _run(Path(folder), console)


def _run(home: Path, console: Console) -> dict[str, object]:
    outcome = run_demo(Library.open(home), console.say, follow)
    console.say(f"The whole journey took {outcome.minutes:.1f} minutes.")
    return dataclasses.asdict(outcome)
