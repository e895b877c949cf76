"""A process that reports a whole night's events into a job's folder, as the real one does.

`python soak_job.py FOLDER EVENTS PER_SECOND`. It holds the job's lock meanwhile.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from mlx_backend import protocol
from mlx_backend.jobs import JobFolder
from tests.app.recorded import long_night

_BREATH = 200  # events between two looks at the clock


def main(path: str, events: int, per_second: float) -> None:
    """Append all of them, at most so many a second."""
    folder = JobFolder(Path(path))
    lock = folder.lock()
    assert lock.acquire(5.0)
    folder.append(protocol.Started(pid=1))
    folder.append(protocol.StageBegan(stage="training"))
    folder.append(protocol.Planned(notes=25, samples=240, held_out=12, steps=events))
    began = time.monotonic()
    for number, event in enumerate(long_night(events), 1):
        folder.append(event)
        if number % _BREATH == 0:
            time.sleep(max(0.0, began + number / per_second - time.monotonic()))
    folder.append(protocol.Finished(result={"adapter": "Notes"}))
    lock.release()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
