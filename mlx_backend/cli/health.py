"""The command that checks whether everything is as it should be."""

from __future__ import annotations

import argparse

from mlx_backend.cli.console import Console
from mlx_backend.cli.reminders import remind_of_cut_short
from mlx_backend.library import Library


def doctor(options: argparse.Namespace, console: Console) -> dict[str, object]:
    """`overnight doctor`: each check with what it found; only a missing starter is made."""
    from mlx_backend.cli.doctor import run_checks

    checks = run_checks()
    for check in checks:
        console.say(f"{'ok ' if check.ok else 'NOT'}  {check.name}: {check.detail}")
    remind_of_cut_short(Library(Library.default_home()), console)
    return {"checks": [{"name": c.name, "ok": c.ok, "detail": c.detail} for c in checks]}
