"""A library whose notes rules have studied, and a reader in part."""

from __future__ import annotations

import pytest

from mlx_backend.library import Library
from mlx_backend.library.notes import Notes
from mlx_backend.library.samples import Samples
from tests.mlx_backend.dataset.reading import study_as_reader


@pytest.fixture
def samples(filled_library: Library, notes: Notes) -> Samples:
    """The samples of the library, the rules' and the reader's."""
    return study_as_reader(notes)
