"""The present name of an adapter, which may have been renamed since its run filed it."""

from __future__ import annotations

from collections.abc import Sequence

from app.jobs.snapshot import JobSnapshot
from mlx_backend.library.adapters import AdapterCard


def current_name(
    name: str | None, cards: Sequence[AdapterCard], runs: Sequence[JobSnapshot]
) -> str | None:
    """The present name of the adapter that a run filed as `name`; `name` where it is unknown."""
    if name is None or any(card.name == name for card in cards):
        return name
    made_it = {run.id for run in runs if run.adapter == name}
    return next((card.name for card in cards if card.run in made_it), name)
