"""`overnight doctor`: checks of machine, memory, libraries, speed, model and library."""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata

import psutil

from mlx_backend.cli.console import Console
from mlx_backend.cli.reminders import remind_of_interrupted
from mlx_backend.errors import OvernightError, from_exception
from mlx_backend.library import Library, database
from mlx_backend.library.notes import Notes
from mlx_backend.library.passage_vectors import PassageVectors
from mlx_backend.machine import accelerator
from mlx_backend.machine.cores import FIXED_CORES, available_cores, usable_cores
from mlx_backend.night.awake import can_keep_awake
from mlx_backend.night.energy import EnergyMeter, gauges_of_this_machine
from mlx_backend.settings import load_settings

_ENOUGH_MEMORY = 8e9
_ENOUGH_DISK = 5e9
_FAST_ENOUGH_GFLOPS = 20.0
_LIBRARIES = ("mlx", "mlx-lm", "PySide6-Essentials", "tokenizers", "msgspec")


@dataclass(frozen=True)
class Check:
    """The result of one check; `detail` says what was found and, if not `ok`, what to do."""

    name: str
    ok: bool
    detail: str


def doctor(options: argparse.Namespace, console: Console) -> dict[str, object]:
    """Print each check with what it found. Changes nothing but for making a missing starter."""
    checks = run_checks()
    for check in checks:
        console.say(f"{'ok ' if check.ok else 'NOT'}  {check.name}: {check.detail}")
    remind_of_interrupted(Library(Library.default_home()), console)
    return {"checks": [{"name": c.name, "ok": c.ok, "detail": c.detail} for c in checks]}


def run_checks() -> list[Check]:
    """Run all checks; one that raises an error is not ok."""
    blas = accelerator.prepare()
    return [
        _run("machine", _machine),
        _run("cores", _cores),
        _run("memory", _memory),
        _run("disk", _disk),
        _run("libraries", _libraries),
        _run("speed", lambda: _speed(blas)),
        _run("night", _night),
        _run("starter model", _starter),
        _run("search by meaning", _meaning),
        _run("library", _library),
    ]


def _run(name: str, check: Callable[[], tuple[bool, str]]) -> Check:
    try:
        ok, detail = check()
    except Exception as error:
        typed: OvernightError = from_exception(error)
        return Check(name, False, f"{typed.message} {typed.hint}".strip())
    return Check(name, ok, detail)


def _machine() -> tuple[bool, str]:
    gpu = "with a GPU for MLX" if accelerator.has_gpu() else "on the CPU: it works, slowly"
    apple = sys.platform == "darwin" and platform.machine() == "arm64"
    known = apple or sys.platform == "linux"
    system = platform.mac_ver()[0] if apple else platform.release()
    return known, f"{platform.system()} {system}, {platform.machine()}, {gpu}"


def _cores() -> tuple[bool, str]:
    count, usable = os.cpu_count() or 1, usable_cores()
    if usable == count:
        return True, f"all {count} processor cores may be used" if count > 1 else "one core"
    if usable < available_cores():
        why = f"{FIXED_CORES} says so"
    else:
        why = "a container or the processor affinity sets this limit"
    return True, f"{usable} of {count} processor cores may be used: {why}"


def _memory() -> tuple[bool, str]:
    memory = psutil.virtual_memory()
    detail = f"{memory.total / 1e9:.0f} GB, {memory.available / 1e9:.0f} GB of them free"
    enough = memory.total >= _ENOUGH_MEMORY
    return enough, detail if enough else f"{detail}; 8 GB or more are advisable"


def _disk() -> tuple[bool, str]:
    free = shutil.disk_usage(Library.open().home).free
    detail = f"{free / 1e9:.0f} GB free at the library"
    return free >= _ENOUGH_DISK, detail if free >= _ENOUGH_DISK else f"{detail}; free some space"


def _libraries() -> tuple[bool, str]:
    return True, ", ".join(f"{name} {metadata.version(name)}" for name in _LIBRARIES)


def _speed(blas: str) -> tuple[bool, str]:
    gflops = accelerator.measure_gflops()
    detail = f"{gflops:.0f} GFLOP/s in float32 products"
    if sys.platform == "linux" and not accelerator.has_gpu():
        detail += f", BLAS: {blas or 'the slow one that MLX brings'}"
    if gflops >= _FAST_ENOUGH_GFLOPS:
        return True, detail
    if blas or sys.platform != "linux":
        return False, f"{detail}. Other programs keep the processor busy; look again when it rests."
    return False, f"{detail}. {accelerator.advice_for_slow_blas()}"


def _night() -> tuple[bool, str]:
    meter = EnergyMeter(gauges_of_this_machine())
    with meter.measuring():
        awake = can_keep_awake()
    stays = (
        "stays awake while it trains, the display may sleep"
        if awake
        else "nothing here keeps it awake: see that it does not sleep by itself"
    )
    return True, f"{stays}; energy: {meter.used()[1]}"


def _starter() -> tuple[bool, str]:
    from mlx_backend.models.starter import ensure_starter

    model = ensure_starter(Library.open())
    return True, f"{model.card.title}, {model.bytes / 1e6:.0f} MB, {model.card.licence}"


def _meaning() -> tuple[bool, str]:
    from mlx_backend.models.sentence_model import SentenceModel
    from mlx_backend.models.sentence_package import find_folder

    folder = find_folder()
    if folder is None:
        return True, "goes without: its model is not installed. `make run` fetches it"
    SentenceModel(folder)
    library = Library.open()
    if not load_settings(library.settings).search_by_meaning:
        return True, "all-MiniLM-L6-v2, Apache-2.0; switched off in the settings"
    with database.opened(library.database) as connection:
        missing = PassageVectors(connection).count_missing()
    waiting = f"; {missing:,} passages wait for it" if missing else ""
    return True, f"all-MiniLM-L6-v2, Apache-2.0, for notes in English{waiting}"


def _library() -> tuple[bool, str]:
    library = Library.open()
    with database.opened(library.database) as connection:
        sound = connection.execute("PRAGMA quick_check").fetchone()[0]
        count = Notes(connection).totals().notes
    return sound == "ok", f"{library.home}, {count} notes, database {sound}"
