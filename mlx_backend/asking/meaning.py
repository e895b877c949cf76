"""Finding passages by meaning: those whose vectors point where the question's vector points.

Never alone, because it misses names and numbers: `retrieval` fuses it with the search for words.
"""

from __future__ import annotations

import functools
import logging
import sqlite3
from collections.abc import Sequence
from itertools import chain

from mlx_backend.errors import OvernightError
from mlx_backend.library.passage_vectors import PassageVectors
from mlx_backend.models.sentence_model import Floats, SentenceModel
from mlx_backend.models.sentence_package import find_folder
from mlx_backend.text.words import folded_words

SAME = 0.75
"""The least cosine of single words that mean about the same."""

_MOST_WORDS = 600  # different ones that are compared; those after them are not seen

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


def unmeant(words: Sequence[str], text: str) -> list[str]:
    """The English words to which no word of an English text comes near in meaning.

    "folder" is meant by "directory". All of them without the sentence model. What is told apart
    only by its name, as days and pets are, comes near as well.
    """
    found = _cosines(words, folded_words(text))
    if found is None:
        return list(words)
    near = found[1].max(axis=1)
    return [word for word, nearest_one in zip(words, near, strict=True) if nearest_one < SAME]


def nearest_words(word: str, texts: Sequence[str]) -> list[float] | None:
    """How near in meaning the nearest word of each English text comes to a word (cosines).

    An orange comes near to "fruit". None without the sentence model.
    """
    read = [folded_words(text) for text in texts]
    found = _cosines([word], list(chain(*read)))
    if found is None:
        return None
    near = dict(zip(found[0], map(float, found[1][0]), strict=True))
    return [max((near[each] for each in words if each in near), default=0.0) for words in read]


def _cosines(words: Sequence[str], others: Sequence[str]) -> tuple[list[str], Floats] | None:
    """The different `others` that are compared, and each word's cosines with them.

    The cosines are (words, others). None without words, and without the sentence model.
    """
    there = list(dict.fromkeys(others))[:_MOST_WORDS]
    model = _model() if words and there else None
    if model is None:
        return None
    vectors = model.vectors([*words, *there])
    return there, vectors[: len(words)] @ vectors[len(words) :].T


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
