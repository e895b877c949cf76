"""What an adapter is called now that a run filed under another name."""

from __future__ import annotations

from collections.abc import Sequence

from app.jobs.snapshot import JobSnapshot
from app.tonight import run_story
from mlx_backend.library.adapters import AdapterCard


def current_name(
    name: str | None, cards: Sequence[AdapterCard], runs: Sequence[JobSnapshot]
) -> str | None:
    """What the adapter is called now that a run filed as `name`; `name` where that is not known."""
    if name is None or any(card.name == name for card in cards):
        return name
    made_it = {run.id for run in runs if run_story.adapter_of(run) == name}
    return next((card.name for card in cards if card.run in made_it), name)
