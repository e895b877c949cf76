"""Quantising a folder, or being refused, and what must stay as it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mlx_backend.adoption.forms import quantising
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.library.abilities import Quantised


def quantise(folder: Path, bits: int, **watch: Any) -> Quantised:
    return quantising.quantise(folder, bits, "One-1B", quantising.Watch(**watch))


def everything_in(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.*")}


def refusal(folder: Path, bits: int = 4) -> OvernightError:
    before = everything_in(folder)
    with pytest.raises(OvernightError) as caught:
        quantise(folder, bits)
    assert caught.value.kind is ErrorKind.BAD_INPUT
    assert caught.value.hint
    assert str(folder) not in caught.value.message + caught.value.hint
    assert everything_in(folder) == before
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]
    return caught.value
