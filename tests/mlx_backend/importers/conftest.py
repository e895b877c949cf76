"""What tests of the import share."""

from __future__ import annotations

from pathlib import Path

import pytest
from tokenizers import Tokenizer

from mlx_backend.importers.new_notes import TokenCounter


@pytest.fixture(scope="session")
def counter(tiny_folders: dict[str, Path]) -> TokenCounter:
    """Counts with the tiny model's tokenizer."""
    return TokenCounter(lambda: Tokenizer.from_file(str(tiny_folders["tiny"] / "tokenizer.json")))
