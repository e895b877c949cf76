"""Writes the tiny model and two adapters of it into a library: `tiny_adapters.py HOME`.

In a process of its own, for the window's tests share theirs with nothing that imports MLX.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.app.tiny_library import environment


def write_tiny_adapters(home: Path) -> None:
    """Write them, and wait until they are there."""
    command = [sys.executable, str(Path(__file__)), str(home)]
    subprocess.run(command, check=True, env=environment(home), timeout=120)


def main(home: Path) -> None:
    from mlx_backend.library import Library
    from mlx_backend.library.models import STARTER
    from mlx_backend.models.base_model import load_base_model
    from tests.mlx_backend.made import make_adapter
    from tests.mlx_backend.tiny import write_tiny_model

    library = Library.open(home)
    write_tiny_model(library.models / STARTER, STARTER)
    loaded = load_base_model(library, STARTER)
    for seed, name in enumerate(("Garden", "Harbour"), start=1):
        make_adapter(library.adapters, loaded, name, seed)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
