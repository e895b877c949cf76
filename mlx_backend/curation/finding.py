"""What a step found about a note, on its way to the library."""

from __future__ import annotations

from dataclasses import dataclass

from mlx_backend.library.findings import Step
from mlx_backend.library.voices import Ranges


@dataclass(frozen=True)
class Finding:
    """A row of the library's findings; `Reason` there says what each field means.

    In `reason`, {note} stands for the title of the note that stays.
    """

    note_id: int
    step: Step
    reason: str
    leaves_out: bool = False
    stays: int | None = None
    score: float | None = None
    value: str = ""
    spans: Ranges = ()
