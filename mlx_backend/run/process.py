"""The training process: `python -m mlx_backend.run.process FOLDER`, under its supervisor.

It appends its events to the run's folder, and reports its outcome to its supervisor in one line on
stdout. It ends when the supervisor does, because two processes must never train in one folder.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from mlx_backend import protocol
from mlx_backend.errors import ErrorKind, OvernightError, from_exception
from mlx_backend.files import sweep_leftovers
from mlx_backend.jobs.folder import JobFolder
from mlx_backend.jobs.memory_wait import NoRoomYet
from mlx_backend.jobs.training_process import Outcome
from mlx_backend.library.home import Library
from mlx_backend.machine import accelerator
from mlx_backend.private_data.masked_errors import report_of
from mlx_backend.private_data.redacting import log_to_stderr
from mlx_backend.protocol import TrainSpec

if TYPE_CHECKING:
    from mlx_backend.training.hosts.crew import Crew

NICENESS = 5  # window and chat go first; on an idle machine this costs nothing
ORPHANED = 70

_log = logging.getLogger(__name__)


def main(arguments: list[str]) -> int:
    """Train in the folder named by the one argument; 0 when done or stopped, 1 when it failed."""
    log_to_stderr()
    outcomes = os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # libraries print; the outcome must not mix
    stop = threading.Event()
    _stop_at_signals(stop)
    threading.Thread(target=_obey_supervisor, args=(sys.stdin.fileno(), stop), daemon=True).start()
    os.nice(NICENESS)
    folder = JobFolder(Path(arguments[0]).absolute())
    outcome = outcome_of(lambda: train(folder, stop.is_set))
    outcomes.write(protocol.encode_line(outcome))
    return 1 if isinstance(outcome, protocol.Failed) else 0


def outcome_of(work: Callable[[], dict[str, object] | None]) -> Outcome:
    """Run a training and turn its end into an outcome: finished, stopped, waiting or failed."""
    try:
        result = work()
    except NoRoomYet as found:
        return found.waiting
    except BaseException as error:  # the supervisor wants a typed error, whatever happened
        typed = from_exception(error)
        _log.error("%s\n%s", typed.message, typed.detail)
        return protocol.Failed(error=report_of(typed))
    return protocol.Stopped() if result is None else protocol.Finished(result=result)


def train(
    folder: JobFolder,
    stop_requested: Callable[[], bool],
    assemble: Callable[[TrainSpec], Crew] | None = None,
) -> dict[str, object] | None:
    """Train in a folder, alone or with the machines of `assemble`; None when stopped.

    Raises OvernightError when the run cannot go on.
    """
    spec = folder.spec()
    if not isinstance(spec, TrainSpec):
        raise OvernightError(
            ErrorKind.RUN_UNKNOWN, "This job is no training.", "Start a new run: overnight train"
        )
    library = Library.open(folder.home)
    for place in (folder.path, folder.checkpoints, library.adapters):
        sweep_leftovers(place)
    accelerator.prepare()
    # Before the large libraries are loaded, because the other machines do not wait for long.
    crew = assemble(spec) if assemble else None
    from mlx_backend.run.training_run import TrainingRun

    return TrainingRun(library, folder, spec, crew).run(stop_requested)


def _obey_supervisor(descriptor: int, stop: threading.Event) -> None:
    """Stop in order when told to; end at once when the supervisor is gone."""
    while os.read(descriptor, 64):
        stop.set()
    os._exit(ORPHANED)  # as good as a kill: nothing is ever half-written


def _stop_at_signals(stop: threading.Event) -> None:
    def on_signal(number: int, frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)


if __name__ == "__main__":
    # Not sys.exit: after a fault of the GPU its libraries may hang while they clean up.
    status = main(sys.argv[1:])
    sys.stderr.flush()
    os._exit(status)
