"""One machine's process of a run: `python -m mlx_backend.run.host_member FOLDER`.

`mlx.launch` starts one on each machine. The one of rank 0 trains in the folder and writes its
outcome there; the others follow it, and print signs of life on stdout. The launching process sends
its own signs of life to their stdin through `mlx.launch`, which does not close their stdin when its
own is closed.
"""

from __future__ import annotations

import logging
import os
import re
import select
import signal
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from mlx_backend import protocol
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.files import write_atomically
from mlx_backend.jobs.folder import JobFolder
from mlx_backend.jobs.hosts import hosts_left
from mlx_backend.jobs.training_process import STOP
from mlx_backend.library.home import Library
from mlx_backend.machine import accelerator
from mlx_backend.night.awake import kept_awake
from mlx_backend.private_data.redacting import log_to_stderr
from mlx_backend.protocol import TrainSpec
from mlx_backend.run.host_attendance import LEFT_ALONE
from mlx_backend.run.process import NICENESS, ORPHANED, outcome_of, train

if TYPE_CHECKING:
    from mlx_backend.training.hosts.crew import Crew

BEAT = b"go on\n"
BEAT_S = 5.0
SILENCE_S = 60.0
SAYS_IT_IS_THERE = re.compile(rb"^overnight: machine (\d+) is there\r?$")
SAYS_IT_IS_DONE = re.compile(rb"^overnight: machine (\d+) is done\r?$")

_log = logging.getLogger(__name__)


def outcome_path(folder: JobFolder) -> Path:
    """The file of one line in which the leading process leaves its outcome."""
    return folder.path / "outcome.json"


def main(arguments: list[str]) -> int:
    """Lead or follow; 0 when done or stopped, 1 when it failed, 75 when the others were lost."""
    log_to_stderr()
    output = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # because libraries print
    os.nice(NICENESS)
    stop = threading.Event()
    threading.Thread(target=_follow_orders, args=(sys.stdin.fileno(), stop), daemon=True).start()
    rank = int(os.environ["MLX_RANK"])
    if rank == 0:
        # mlx.launch sends it when another machine is lost; the training is to be saved first.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        return _lead(JobFolder(Path(arguments[0])), stop)
    return _follow(rank, output)


def _lead(folder: JobFolder, stop: threading.Event) -> int:
    def assemble(spec: TrainSpec) -> Crew:
        from mlx_backend.training.hosts.group import Group

        group = Group()
        from mlx_backend.training.hosts.crew import Crew

        return Crew(group, hosts_left(folder, spec))

    outcome = outcome_of(lambda: train(folder, stop.is_set, assemble))
    write_atomically(outcome_path(folder), protocol.encode_line(outcome))
    return 1 if isinstance(outcome, protocol.Failed) else 0


def _follow(rank: int, output: int) -> int:
    threading.Thread(target=_give_signs_of_life, args=(rank, output), daemon=True).start()
    accelerator.prepare()
    from mlx_backend.training.hosts.group import Group

    try:
        with kept_awake("Training along with another machine"):
            # Before the large libraries are loaded, because the others do not wait for long.
            group = Group()
            from mlx_backend.models.base_model import load_base_model
            from mlx_backend.training.hosts.following import follow

            follow(group, lambda model: load_base_model(Library.open(), model))
    except OvernightError as error:
        _log.error("%s\n%s", error.message, error.detail)
        return LEFT_ALONE if error.kind is ErrorKind.HOST_LOST else 1
    os.write(output, b"overnight: machine %d is done\n" % rank)
    return 0


def _give_signs_of_life(rank: int, output: int) -> None:
    while True:
        os.write(output, b"overnight: machine %d is there\n" % rank)
        time.sleep(BEAT_S)


def _follow_orders(descriptor: int, stop: threading.Event) -> None:
    """Stop when told to; end at once when there is no sign of life any more."""
    while select.select([descriptor], [], [], SILENCE_S)[0]:
        heard = os.read(descriptor, 1024)
        if not heard:
            break
        if STOP.strip() in heard:
            stop.set()
    os._exit(ORPHANED)


if __name__ == "__main__":
    # Not sys.exit: after a fault of the GPU its libraries may hang while they clean up.
    status = main(sys.argv[1:])
    sys.stderr.flush()
    os._exit(status)
