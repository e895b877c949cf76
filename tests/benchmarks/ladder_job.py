"""A run's job whose training never asks what it knows already: `ladder_job.py FOLDER`.

With `--train` it is that training itself, as the job starts it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from mlx_backend.jobs import JobFolder
from mlx_backend.jobs.machine_services import MachineServices
from mlx_backend.jobs.supervisor import Supervisor
from mlx_backend.run import process
from mlx_backend.training import looks

_TRAIN = "--train"


def supervise(path: Path) -> None:
    folder = JobFolder(path)
    lock = folder.lock()
    assert lock.acquire()
    command = (sys.executable, "-m", "tests.benchmarks.ladder_job", _TRAIN)
    Supervisor(folder, MachineServices(), lambda: False, command=command).run()
    lock.release()


if __name__ == "__main__":
    if sys.argv[1] == _TRAIN:
        looks.QUARTERS = 1
        os._exit(process.main(sys.argv[2:]))
    supervise(Path(sys.argv[1]))
