"""The cost of an import that finds nothing new, and the meaning of its counts."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from mlx_backend.importers.importing import import_into
from mlx_backend.library import Library

_IMPORT_AND_NAME_MODULES = """
import sys
from mlx_backend.cli import main
assert main(["import", sys.argv[1], "--json"]) == 0
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""
_SLOW_TO_LOAD = {"mlx", "mlx_lm", "numpy", "py3langid", "rensa", "tokenizers", "transformers"}


def modules_of_an_import(folder: Path) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", _IMPORT_AND_NAME_MODULES, str(folder)],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.splitlines()[-1].split())


def test_an_import_that_finds_nothing_new_loads_nothing_slow(
    tiny_library: Library, notes_folder: Path
) -> None:
    assert modules_of_an_import(notes_folder) > {"numpy", "py3langid", "tokenizers"}
    assert not modules_of_an_import(notes_folder) & _SLOW_TO_LOAD


def test_notes_that_are_left_out_count_as_notes(tiny_library: Library, notes_folder: Path) -> None:
    shutil.copy(notes_folder / "garden.txt", notes_folder / "garden 2.txt")
    outcome = import_into(tiny_library, [notes_folder])
    assert (outcome.added, outcome.notes, outcome.left_out) == (4, 4, 1)
    (notes_folder / "garden 2.txt").unlink()
    outcome = import_into(tiny_library, [notes_folder])
    assert (outcome.removed, outcome.notes, outcome.left_out) == (1, 3, 0)
