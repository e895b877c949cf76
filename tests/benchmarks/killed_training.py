"""A training whose process is killed after a step: `python -m tests.benchmarks.killed_training HOME
NAME CHECKPOINTS` takes one step with the model NAME, writes a checkpoint, begins another step, and
ends as if somebody had pulled the plug.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from mlx_backend.machine import accelerator


def main(home: str, name: str, checkpoints: str) -> None:
    """Never returns."""
    accelerator.prepare()
    from mlx_backend.library import Library
    from mlx_backend.run.preparation import prepare
    from mlx_backend.training.checkpoints import TrainingState, save_checkpoint
    from tests.mlx_backend.model_trial import dataset, learn, spec

    preparation = prepare(Library.open(Path(home)), spec(name), dataset())
    learn(preparation, 0)
    save_checkpoint(Path(checkpoints), preparation.training, TrainingState(step=1))
    learn(preparation, 1)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main(*sys.argv[1:])
