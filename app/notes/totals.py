"""How many notes there are, and what of them training would use, in a line."""

from __future__ import annotations

from app.text import amounts
from mlx_backend.library.note_browsing import Overview


def totals_line(overview: Overview, found: int | None) -> str:
    """What training would use; and how many notes are shown, where not all are."""
    totals = f"{amounts.count(overview.used, 'note')}, {amounts.count(overview.words, 'word')}"
    if found is not None:
        return f"{amounts.count(found, 'note')} found. Training uses {totals}"
    parts = [totals]
    if overview.not_learned:
        parts.append(f"{amounts.number(overview.not_learned)} not learned yet")
    if overview.left_out:
        parts.append(f"{amounts.number(overview.left_out)} left out")
    return " · ".join(parts)
