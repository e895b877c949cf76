"""Filters for what a model wrote: each drops drafts and records why.

A draft is kept only if its passage supports it: the passage has its words, the model gives the same
answer with the passage in view, and no sample is like it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from mlx_backend.library.drop_reasons import (
    NO_ROUND_TRIP,
    NOT_A_QUESTION,
    REPEATED,
    TELLS_ANSWER,
    UNSUPPORTED,
    WRONG_WORD,
)
from mlx_backend.library.sample_drafts import Draft
from mlx_backend.text.answer_kinds import kind_named
from mlx_backend.text.answer_matching import is_right
from mlx_backend.text.stems import QUESTION_WORDS, own_stems, stems
from mlx_backend.text.words import bare_words, folded_words, word_set

_LONGEST_QUESTION = 20
_FEWEST_ABOUT_NAME = 2
_LIKE = 0.8
_DENYING = word_set("not never no none nor neither cannot without nobody nothing")
# Quotes without a fact of their own: before a colon, questions, references to other texts.
_TELLS_NOTHING = re.compile(r"[:?]\s*$|^see ", re.IGNORECASE)
_BREAKS_OFF = re.compile(r"\b(?:a|an|the|my|our|your|their|its|and|or)\W*$", re.IGNORECASE)
# The share of the quote's stems that a restatement or a summary must have.
_LEAST_KEPT = {"restated": 0.8, "summary": 0.5}


def check_wording(draft: Draft, context: str) -> Draft:
    """Drop a question whose words show that it is bad; `context` is its passage with the title."""
    question = draft.prompt
    words = bare_words(question)
    if not question.endswith("?") or not 3 <= len(words) <= _LONGEST_QUESTION:
        return draft.drop(NOT_A_QUESTION)
    if is_right(question, (draft.key,)):
        return draft.drop(TELLS_ANSWER)
    kind = kind_named(draft.kind)
    if kind and kind.question_has and not kind.question_has.search(question):
        return draft.drop(WRONG_WORD)
    own = [word for word in words if word.lower() not in QUESTION_WORDS]
    if draft.kind == "name" and len(own) < _FEWEST_ABOUT_NAME:
        return draft.drop(WRONG_WORD)
    return draft if is_supported(question, context) else draft.drop(UNSUPPORTED)


def check_support(draft: Draft, context: str) -> Draft:
    """Drop a restatement or summary that is a copy, adds to its `context`, or loses too much.

    The draft's answer has no title yet. A restatement must have the numbers, names, negations and
    signs of its quote, each as often; a summary may leave some out.
    """
    said = draft.answer
    if folded_words(said) == folded_words(draft.quote):
        return draft.drop(REPEATED)
    kept = len(stems(said) & stems(draft.quote)) / max(1, len(stems(draft.quote)))
    if kept < _LEAST_KEPT[draft.kind] or not is_supported(said, context):
        return draft.drop(UNSUPPORTED)
    figures, own = _figures(draft.quote), _figures(said)
    if draft.kind != "restated":
        return draft if own <= figures else draft.drop(UNSUPPORTED)
    tells_nothing = _TELLS_NOTHING.search(draft.quote) or _BREAKS_OFF.search(said)
    is_as_sure = _denials(said) == _denials(draft.quote)
    says_as_much = own == figures and _signs(said) == _signs(draft.quote)
    is_faithful = says_as_much and is_as_sure and not tells_nothing
    return draft if is_faithful else draft.drop(UNSUPPORTED)


def _figures(text: str) -> Counter[str]:
    """The numbers and names in a text; its first word does not count, being capitalised anyway."""
    words = bare_words(text)
    return Counter(word for word in words[1:] if word[0].isdigit() or word[0].isupper())


def _denials(text: str) -> int:
    """The number of negations in a text."""
    words = re.findall(r"[\w'’]+", text.lower())
    return sum(word in _DENYING or word.endswith(("n't", "n’t")) for word in words)


def _signs(text: str) -> Counter[str]:
    """The words of a text with signs in them: options, operators, keys, calls."""
    bare = (word.strip("\"'()“”‘’.,;!?").rstrip(":\"'”’") or word for word in text.split())
    return Counter(word for word in bare if not word.replace("'", "").replace("’", "").isalnum())


def is_supported(text: str, context: str) -> bool:
    """Whether a text has content words, and the context has all of them in any form."""
    own = own_stems(text)
    return bool(own) and own <= stems(context)


def check_round_trip(draft: Draft, read: str) -> Draft:
    """Drop a question to which the model, with the quote in view, `read` another answer."""
    return draft if is_right(read, (draft.key,)) else draft.drop(NO_ROUND_TRIP)


def without_repeats(drafts: Iterable[Draft], there: Sequence[Draft]) -> list[Draft]:
    """Drop questions that are nearly the same as another about the same quote.

    there: drafts that are kept already, which `drafts` must not repeat either.
    """
    kept: dict[str, list[frozenset[str]]] = {}
    for draft in there:
        kept.setdefault(draft.quote, []).append(stems(draft.prompt))
    checked = []
    for draft in drafts:
        own = stems(draft.prompt)
        others = kept.setdefault(draft.quote, [])
        if draft.dropped:
            checked.append(draft)
        elif any(_likeness(own, other) >= _LIKE for other in others):
            checked.append(draft.drop(REPEATED))
        else:
            others.append(own)
            checked.append(draft)
    return checked


def _likeness(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / max(1, len(one | other))
