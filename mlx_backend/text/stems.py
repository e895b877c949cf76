"""Texts as sets of stems, to compare them whatever form their words have."""

from __future__ import annotations

from mlx_backend.text.dictionary import stem
from mlx_backend.text.words import folded_words, word_set

# Words that a question may add to those of its passage: they ask, or name a kind of answer.
QUESTION_WORDS = word_set(
    "what which who whom whose when where why how many much often long far old is are was were "
    "be been do does did has have had will would can could should must may might the a an of to "
    "in on at by for from with as and or that this it its i my me we our us you your they them "
    "their he she his her there not name names called call kind type number amount cost price "
    "time date day year month place city town person people thing colour color temperature "
    "length size reason according note notes say said mean used use take need get keep go come "
    "make"
)


def stems(text: str) -> frozenset[str]:
    """The stems of a text's words."""
    return frozenset(stem(word) for word in folded_words(text))


def own_stems(text: str) -> frozenset[str]:
    """The stems of a text's words without QUESTION_WORDS."""
    return frozenset(stem(word) for word in folded_words(text) if word not in QUESTION_WORDS)
