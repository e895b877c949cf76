"""Whether an adapter of a name is still the one that it was."""

from __future__ import annotations

from collections.abc import Sequence

from app import run_story
from app.job_snapshot import JobSnapshot
from mlx_backend.errors import Kind, OvernightError
from mlx_backend.library import Library
from mlx_backend.library.adapters import AdapterCard, read_adapter


def identity_of(library: Library, name: str) -> str:
    """What never comes again, unlike a name; "" where the adapter is damaged or gone."""
    try:
        return read_adapter(library.adapters, name).card.id
    except OvernightError:
        return ""


def another(name: str) -> OvernightError:
    """The name belongs to another adapter now."""
    return OvernightError(
        Kind.BAD_INPUT, f"“{name}” is another adapter by now, so it stays as it is."
    )


def present_name(
    name: str | None, cards: Sequence[AdapterCard], runs: Sequence[JobSnapshot]
) -> str | None:
    """What the adapter is called now that a run filed as `name`; `name` where that is not known."""
    if name is None or any(card.name == name for card in cards):
        return name
    made_it = {run.id for run in runs if run_story.adapter_of(run) == name}
    return next((card.name for card in cards if card.run in made_it), name)
