"""`mlx.launch`, without the processor core that it keeps busy.

For each machine it asks, without a pause, whether something can be written to its process, which
is always so (mlx 0.32.4). Here it asks five times a second, or when something is to be read.

Nor does it end with whoever started it. Here it does, with all that it started on this machine;
what runs on others hears nothing more then, and ends too.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Sequence
from select import select

from mlx._distributed_utils import launch

_PAUSE_S = 0.2
_LOOK_S = 1.0


def patient_select(
    readable: Sequence[int], writable: Sequence[int], unusual: Sequence[int], patience: float
) -> tuple[list[int], Sequence[int], list[int]]:
    """Wait for what can be read alone; what can be written to is taken on trust."""
    ready, _, _ = select(readable, [], unusual, min(patience, _PAUSE_S))
    return ready, writable, []


def end_with(parent: int) -> None:
    """Kill this process's whole group once its parent process is gone."""
    while os.getppid() == parent:
        time.sleep(_LOOK_S)
    os.killpg(os.getpgrp(), signal.SIGKILL)


if __name__ == "__main__":
    threading.Thread(target=end_with, args=(os.getppid(),), daemon=True).start()
    launch.select = patient_select  # type: ignore[assignment]
    launch.main()
