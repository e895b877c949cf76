"""The map of the house names what is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAP = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`((?:\w+/)+(?:\w+\.py)?|\w+\.py)`", MAP)))


def places(named: str) -> list[Path]:
    return [ROOT / named, ROOT / "mlx_backend" / named]


@pytest.mark.parametrize("named", NAMED)
def test_what_the_map_names_is_there(named: str) -> None:
    rows = [line for line in MAP.splitlines() if f"`{named}`" in line]
    folders = {folder for row in rows for folder in re.findall(r"`((?:\w+/)+)", row)}
    inside = [place for folder in folders for place in places(f"{folder}{named}")]
    assert any(place.exists() for place in [*places(named), *inside])


@pytest.mark.parametrize("half", ["app", "mlx_backend"])
def test_every_package_is_on_the_map(half: str) -> None:
    packages = [path.parent.name for path in (ROOT / half).glob("*/__init__.py")]
    assert packages
    missing = [name for name in packages if not re.search(rf"\b{name}/", MAP)]
    assert not missing
