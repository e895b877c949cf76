"""Tries tiny models of architectures, one after the other: `python -m tests.benchmarks.model_sweep
ARCHITECTURE-BITS ...` prints a line of JSON for each, [architecture, bits, seconds, outcome].

A process of its own, because a few architectures crash MLX as they are built or trained.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import tempfile
import time
import warnings
from pathlib import Path

from mlx_backend.machine import accelerator
from mlx_backend.machine.cores import FIXED_CORES

NOT_BUILT = "not built: "
"""How the outcome begins where no tiny model could be made."""


def main(names: list[str]) -> None:
    """Try each; a name is an architecture, a dash, and 32 or 4 bits."""
    told = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # because mlx-lm prints
    os.environ[FIXED_CORES] = "1"
    accelerator.prepare()
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    from tests.mlx_backend.tiny import write_tiny_model

    with tempfile.TemporaryDirectory() as scratch:
        like = Path(scratch) / "like"
        write_tiny_model(like)
        for name in names:
            began = time.perf_counter()
            kind, _, bits = name.rpartition("-")
            outcome = _outcome(Path(scratch) / name, kind, int(bits), like)
            seconds = round(time.perf_counter() - began, 1)
            print(json.dumps([kind, int(bits), seconds, outcome]), file=told, flush=True)


def _outcome(home: Path, kind: str, bits: int, like: Path) -> str:
    from mlx_backend.library import Library
    from tests.mlx_backend.model_trial import try_model
    from tests.mlx_backend.model_types import write_model

    library = Library.open(home)
    try:
        write_model(home / "files" / "tiny", kind, like, bits if bits < 32 else None)
    except (Exception, SystemExit) as error:
        return f"{NOT_BUILT}{type(error).__name__}: {str(error)[:120]}"
    return try_model(library, home / "files" / "tiny", killed=True).text


if __name__ == "__main__":
    main(sys.argv[1:])
