"""Stands in for a model's judgement of candidates."""

from __future__ import annotations

from collections.abc import Sequence

from mlx_backend.asking.retrieval import content_words
from mlx_backend.models.base_model import LoadedModel
from mlx_backend.text.stems import stems


def by_words(
    loaded: LoadedModel | None, contexts: Sequence[str], texts: Sequence[str]
) -> list[list[float]]:
    """A text is likely behind the words that it is about."""
    return [
        [0.4 * len(stems(context) & stems(" ".join(content_words(text)))) for text in texts]
        for context in contexts
    ]
