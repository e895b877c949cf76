"""The process of a trial: loads a model and tries what Overnight will do with it.

Its parent kills it when it takes too long or grows too large. Once the libraries are loaded it can
read the model's folder and Python's modules, write to its pipe, and nothing else: a model's files
are data from strangers, and some of them make the libraries that read them crash.
"""

from __future__ import annotations

import os
import resource
import sys
import threading
from pathlib import Path

from mlx_backend.adoption.trial.stages import Extent
from mlx_backend.machine import accelerator
from mlx_backend.machine.process_limits import lower_limit

OF_THE_SYSTEM = tuple(
    map(Path, ("/proc/stat", "/proc/meminfo", "/proc/cpuinfo", "/proc/self", "/sys/fs/cgroup"))
)
"""What psutil and the quota of cores read on Linux; the rest of /proc tells of other processes."""


def main(descriptor: int, folder: Path, name: str, memory: int, extent: Extent) -> None:
    """Try the model in `folder`, and tell the pipe `descriptor`; `memory` is the limit in bytes."""
    begin(memory)
    from mlx_backend.adoption.trial import messages, trying
    from mlx_backend.machine.lockdown import lock_down

    trying.load_libraries()
    lock_down([folder, *OF_THE_SYSTEM])
    teller = messages.Teller(descriptor)
    teller.tell(trying.outcome_of(trying.Trying(folder, name, teller.tell, extent)))


def begin(memory: int) -> None:
    """End with the parent, dump no core, take no more memory than so many bytes; prepare MLX."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    restrict(memory)
    accelerator.prepare()


def restrict(memory: int) -> None:
    """Dump no core; on Linux without a GPU, also let the system refuse more memory than this.

    A GPU's driver reserves address space of any size, and a Mac does not heed the limit. There the
    parent alone watches.
    """
    lower_limit(resource.RLIMIT_CORE, 0)
    if sys.platform == "linux" and not Path("/dev/nvidiactl").exists():
        lower_limit(resource.RLIMIT_DATA, memory)


def _end_with_parent() -> None:
    # Standard input ends when the parent does, whatever it dies of.
    while os.read(0, 1):
        pass
    os._exit(1)


if __name__ == "__main__":
    extent: Extent = "tokenizer" if sys.argv[5] == "tokenizer" else "all"
    main(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]), extent)
