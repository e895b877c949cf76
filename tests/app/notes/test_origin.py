from __future__ import annotations

import time

import pytest

from app.notes.origin import origin_sentence
from mlx_backend.library.note_origins import Origin

WRITTEN = time.mktime((2021, 5, 4, 12, 0, 0, 0, 0, -1))
CHANGED = time.mktime((2021, 5, 6, 12, 0, 0, 0, 0, -1))


@pytest.mark.parametrize(
    ("origin", "sentence"),
    [
        (Origin(None, None, "", None, ()), ""),
        (Origin(None, CHANGED, "", None, ()), "Last changed 6 May 2021."),
        (
            Origin(WRITTEN, CHANGED, "Ida", None, ()),
            "Written 4 May 2021 by Ida. Last changed 6 May 2021.",
        ),
        (Origin(WRITTEN, WRITTEN + 60, "Ida", 1.0, ()), "Written 4 May 2021 by you."),
        (Origin(WRITTEN, None, "Ida", 0.0, ()), "Written 4 May 2021 by Ida."),
        (Origin(None, None, "", 0.0, ()), "Written by others."),
        (Origin(WRITTEN, None, "Ida", 0.4, ()), "Written 4 May 2021."),
    ],
)
def test_when_and_by_whom(origin: Origin, sentence: str) -> None:
    assert origin_sentence(origin) == sentence
