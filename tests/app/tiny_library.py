"""Writes a library with the tiny model and two notes: `tiny_library.py HOME`.

In a process of its own, for the window's tests share theirs with nothing that imports MLX.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
NOTES = {
    "lamp.md": "# The lamp\n\nMarta lit the lamp of Amber Cove on the third of May, at 18:40.\n",
    "shop.md": "# The shop\n\nIda Falk sells rope and lamps near the four piers of the harbour.\n",
}


def environment(home: Path) -> dict[str, str]:
    """What a process needs to work on this library with this code."""
    paths = (str(ROOT), os.environ.get("PYTHONPATH", ""))
    path = os.pathsep.join(filter(None, paths))
    return os.environ | {"OVERNIGHT_HOME": str(home), "PYTHONPATH": path}


def write_tiny_library(home: Path) -> None:
    """Write it, and wait until it is there."""
    command = [sys.executable, str(Path(__file__)), str(home)]
    subprocess.run(command, check=True, env=environment(home), timeout=60)


def main(home: Path) -> None:
    from mlx_backend.importers.importing import import_into
    from mlx_backend.library import Library
    from mlx_backend.settings import change_settings
    from tests.mlx_backend.tiny import write_tiny_model

    library = Library.open(home)
    for name in ("tiny", "starter"):
        write_tiny_model(library.models / name, name)
    # Processes that search by meaning needs would outlive the tests.
    wanted = {"base_model": "tiny", "rank": 4, "max_tokens": 16, "search_by_meaning": False}
    change_settings(library.settings, **wanted)
    folder = home.parent / "notes"
    folder.mkdir()
    for name, text in NOTES.items():
        (folder / name).write_text(text)
    import_into(library, [folder])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
