"""The real training process, but with a fault of the GPU: `failing_training.py FOLDER`.

The folder's file `faults.json` lists what each attempt prints before it aborts, after its third
step; once none is left, the training works.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from mlx_backend import protocol
from mlx_backend.jobs import JobFolder
from mlx_backend.run import process

_STEPS = 3


def main(path: Path) -> int:
    faults = json.loads((path / "faults.json").read_text())
    if faults:
        (path / "faults.json").write_text(json.dumps(faults[1:]))
        _abort_after_some_steps(faults[0])
    return process.main([str(path)])


def _abort_after_some_steps(text: str) -> None:
    append, steps = JobFolder.append, 0

    def append_and_abort(self: JobFolder, event: protocol.JobEvent) -> None:
        nonlocal steps
        append(self, event)
        steps += isinstance(event, protocol.StepDone)
        if steps == _STEPS:
            os.write(2, text.encode() + b"\n")
            os.abort()

    JobFolder.append = append_and_abort  # type: ignore[method-assign]


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
