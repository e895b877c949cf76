"""`mlx.launch` without the processor core that it keeps busy: see `library_patches`.

It also ends with the process that started it, and with it all processes that it started on this
machine; those on other machines lose their connection then, and end too.
"""

from __future__ import annotations

import os
import signal
import threading
import time

from mlx_backend.machine.library_patches import pause_mlx_launch

_LOOK_S = 1.0


def end_with(parent: int) -> None:
    """Wait until the process `parent` is no longer this one's parent, then kill our whole group."""
    while os.getppid() == parent:
        time.sleep(_LOOK_S)
    os.killpg(os.getpgrp(), signal.SIGKILL)


def main() -> None:
    """Run `mlx.launch` with the arguments of the command line."""
    from mlx._distributed_utils import launch

    threading.Thread(target=end_with, args=(os.getppid(),), daemon=True).start()
    pause_mlx_launch()
    launch.main()


if __name__ == "__main__":
    main()
