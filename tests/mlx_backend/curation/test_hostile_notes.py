"""Notes of any content are curated, and keep their text."""

from __future__ import annotations

import base64

from mlx_backend.curation.curate import curate
from mlx_backend.library.notes import Notes
from tests.mlx_backend.curation.written import (
    KEEPER,
    ids,
    reason,
    save,
)

HOSTILE = {
    "empty": "",
    "blank": " \n\t \n",
    "giant line": "lamp " * 200_000,
    "giant word": "x" * 1_000_000,
    "large": "\n\n".join(f"{KEEPER} {n}" for n in range(20_000)),
    "emoji": "🎉👩‍👩‍👧" * 50_000,
    "nul": "lamp\0oil " * 100,
    "lines": "\n" * 1_000_000,
    "brackets": "[" * 500_000,
    "links": "[a](x" * 200_000,
    "dots": ". " * 500_000,
    "fences": "```\n" * 200_000,
    "accents": "e" + "\u0301" * 500_000,
    "separators": "\u2028\x85\x1e" * 100_000,
    "base64": base64.b64encode(bytes(500_000)).decode(),
    "right to left": "\u202eشمعة \u2066" * 10_000,
}


def test_hostile_notes(notes: Notes) -> None:
    save(notes, HOSTILE)
    assert curate(notes).looked_at == len(HOSTILE)
    for path, note_id in ids(notes).items():
        assert notes.text(note_id) == HOSTILE[path]
        assert reason(notes, path, "quality") is not None
    assert curate(notes).looked_at == 0
    list(notes.passages())
