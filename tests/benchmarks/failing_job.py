"""A run's job whose training ends badly at first: `failing_job.py FOLDER`.

As the job process itself does it, with its default persistence; only the training is the one
that reads its faults from the folder.
"""

from __future__ import annotations

import sys
from pathlib import Path

from mlx_backend.jobs import JobFolder
from mlx_backend.jobs.machine_services import MachineServices
from mlx_backend.jobs.supervisor import Supervisor

_TRAINING = Path(__file__).parents[1] / "mlx_backend" / "run" / "failing_training.py"


def main(path: Path) -> None:
    folder = JobFolder(path)
    lock = folder.lock()
    assert lock.acquire()
    command = (sys.executable, str(_TRAINING))
    Supervisor(folder, MachineServices(), lambda: False, command=command).run()
    lock.release()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
