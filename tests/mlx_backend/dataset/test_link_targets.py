from __future__ import annotations

import unicodedata

import pytest

from mlx_backend.dataset.link_targets import Places
from mlx_backend.library.notes import NoteSummary

PATHS = {
    1: "/v/Index.md",
    2: "/v/a/Lamp.md",
    3: "/v/b/Lamp.md",
    4: "/v/a/2024.03 plan.md",
    5: "/v/b/Übung.md",
    6: "/v/export.zip/c/rope.txt",
}
TITLES = {6: "The rope shop", 1: "Start", 2: "Start"}


@pytest.fixture(scope="module")
def places() -> Places:
    return Places(
        NoteSummary(id_, TITLES.get(id_, ""), path, "/v", 1, 1, "new")
        for id_, path in PATHS.items()
    )


@pytest.mark.parametrize(
    ("source", "target", "note"),
    [
        (1, "index", 1),
        (1, "Lamp", 0),  # either of two
        (1, "b/Lamp", 3),
        (1, "./b/Lamp.md", 3),
        (1, "/b/Lamp.md", 3),
        (2, "Lamp", 2),  # the one beside it
        (2, "../b/Lamp.md", 3),
        (2, "../../b/Lamp.md", 0),
        (1, "amp", 0),
        (1, "2024.03 plan", 4),
        (1, "2024", 0),
        (1, unicodedata.normalize("NFD", "Übung"), 5),
        (5, "rope", 6),
        (5, "the rope shop", 6),
        (5, "Start", 0),  # the title of two
        (1, "", 0),
        (1, "/", 0),
        (1, ".", 0),
        (1, "..", 0),
        (1, "../" * 5000, 0),
        (1, "a\0/Lamp", 0),
    ],
)
def test_where_links_point(places: Places, source: int, target: str, note: int) -> None:
    assert places.pointed_to(source, target) == note
