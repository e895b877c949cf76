"""What tests of the import share."""

from __future__ import annotations

from pathlib import Path

import pytest
from tokenizers import Tokenizer

from mlx_backend.importers.importing import import_paths
from mlx_backend.importers.new_notes import TokenCounter
from mlx_backend.library.notes import Notes
from tests.mlx_backend.importers.again import Import


@pytest.fixture(scope="session")
def counter(tiny_folders: dict[str, Path]) -> TokenCounter:
    """Counts with the tiny model's tokenizer."""
    return TokenCounter(lambda: Tokenizer.from_file(str(tiny_folders["tiny"] / "tokenizer.json")))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder for notes."""
    (tmp_path / "notes").mkdir()
    return tmp_path / "notes"


@pytest.fixture
def run(notes: Notes, counter: TokenCounter, folder: Path) -> Import:
    """Imports the folder, and counts."""

    def counts() -> tuple[int, int, int, int]:
        outcome = import_paths(notes, counter, [folder])
        return outcome.added, outcome.changed, outcome.unchanged, outcome.removed

    return counts
