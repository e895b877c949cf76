"""Tests of quantising pack in their own process, and probe at once, unless they ask for more."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest

from mlx_backend.adoption.forms import packing, quantising
from mlx_backend.machine.cores import FIXED_CORES
from tests.mlx_backend.adoption.forms.packing_here import packed_here, quick_probe_of


@pytest.fixture(autouse=True)
def quick_probe(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The probe has tests of its own; here it says how often it was asked."""
    asked: list[int] = []
    monkeypatch.setattr(packing, "take_probe", partial(quick_probe_of, asked))
    monkeypatch.setenv(FIXED_CORES, "1")
    return asked


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Packing is done in this process; undo this to do it in its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quantising, "_outcome", packed_here)
        yield patch
