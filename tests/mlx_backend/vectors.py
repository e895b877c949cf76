"""Stands in for the sentence model: a direction for each of some words, which tests choose."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from mlx_backend.library.passage_vectors import SIZE
from mlx_backend.text.words import folded_words


class WordDirections:
    """Texts with words of the same group point the same way; keeps the texts that it has read."""

    def __init__(self, *groups: str) -> None:
        self._groups = [set(group.split()) for group in groups]
        self.read: list[str] = []

    def vectors(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """As `SentenceModel.vectors`."""
        self.read += texts
        found = np.full((len(texts), SIZE), 1e-3, np.float32)
        for row, text in enumerate(texts):
            for place, group in enumerate(self._groups):
                found[row, place] += len(group & set(folded_words(text)))
        unit: npt.NDArray[np.float32] = found / np.linalg.norm(found, axis=1, keepdims=True)
        return unit
