"""Twins: questions of the rules that differ in "who" and "what" alone."""

from __future__ import annotations

from collections.abc import Sequence

from mlx_backend.library import drop_reasons
from mlx_backend.library.sample_drafts import Draft


def twin_key(prompt: str, quote: str) -> tuple[str, str]:
    """The same for a question and its twin: what follows "who" or "what", and the quoted words."""
    first, _, rest = prompt.partition(" ")
    return (rest if first in {"Who", "What"} else prompt), quote


def without_twins(drafts: Sequence[Draft]) -> list[Draft]:
    """Drop all twins but the first, which stays until the base model has chosen between them."""
    seen: set[tuple[str, str]] = set()
    checked = []
    for draft in drafts:
        twin = twin_key(draft.prompt, draft.quote)
        checked.append(draft.drop(drop_reasons.READS_WORSE) if twin in seen else draft)
        seen.add(twin)
    return checked
