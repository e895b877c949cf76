"""Finding passages by meaning: those whose vectors point where the question's vector points.

Never alone, because it misses names and numbers: `retrieval` fuses it with the search for words.
"""

from __future__ import annotations

import functools
import logging
import sqlite3
from collections.abc import Sequence

from mlx_backend.errors import OvernightError
from mlx_backend.library.passage_vectors import PassageVectors
from mlx_backend.models.sentence_model import SentenceModel
from mlx_backend.models.sentence_package import find_folder

_log = logging.getLogger(__name__)


def nearest(connection: sqlite3.Connection, question: str, most: int) -> dict[int, float]:
    """The ids of up to `most` passages that are nearest in meaning, with their cosines, best first.

    Empty without the sentence model, and without vectors.
    """
    ids, vectors = PassageVectors(connection).of_notes_in_use()
    model = _model() if ids and question.strip() else None
    if model is None:
        return {}
    cosines = vectors @ model.vectors([question])[0]
    best = sorted(range(len(ids)), key=lambda i: (-cosines[i], ids[i]))[:most]
    return {ids[i]: float(cosines[i]) for i in best}


def likenesses(question: str, texts: Sequence[str]) -> list[float]:
    """How near each English text comes to a question in meaning (cosines); 0 without the model."""
    model = _model() if texts and question.strip() else None
    if model is None:
        return [0.0] * len(texts)
    asked, *read = model.vectors([question, *texts])
    return [float(vector @ asked) for vector in read]


@functools.cache
def _model() -> SentenceModel | None:
    """The sentence model, opened once a process; None where it is missing or damaged."""
    folder = find_folder()
    if folder is None:
        return None
    try:
        return SentenceModel(folder)
    except (OvernightError, OSError, ValueError):
        _log.exception("search by meaning is off")
        return None
