"""Starting a job's process so that it outlives whoever started it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

from mlx_backend import protocol
from mlx_backend.jobs.folder import JobFolder
from mlx_backend.library.home import HOME_VARIABLE


def launch(folder: JobFolder) -> int:
    """Start the job's process in a session of its own and return its process id.

    It does not depend on this process: no pipe, no terminal and no signal connects them. Raises
    OvernightError, with the folder untouched, for a job that a newer version of Overnight made.
    """
    folder.check_version()
    environment = os.environ | {HOME_VARIABLE: str(folder.home)}
    folder.clear_stop_request()
    folder.seal_last_line()
    folder.append(protocol.Launched())
    with folder.log_path.open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "mlx_backend.job", str(folder.path)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env=environment,
            start_new_session=True,
        )
    # Without someone who waits, the ended process would stay as a zombie.
    threading.Thread(target=process.wait, daemon=True).start()
    return process.pid
