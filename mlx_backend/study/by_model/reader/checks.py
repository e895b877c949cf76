"""What a reader wrote, checked without a model: each check drops a draft and records why."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mlx_backend.curation import language
from mlx_backend.library import drop_reasons
from mlx_backend.library.languages import UNKNOWN
from mlx_backend.library.sample_drafts import Draft
from mlx_backend.study.by_model.reader.genres import NAMES_IN_EXAMPLES, Genre
from mlx_backend.study.by_model.reader.items import Item
from mlx_backend.study.by_model.reader.pointing import points_at_text
from mlx_backend.study.by_model.reader.quoting import as_it_stands
from mlx_backend.study.by_model.reader.sentences import compares
from mlx_backend.study.by_model.reader.views import View
from mlx_backend.text.answer_matching import is_right
from mlx_backend.text.stems import own_stems
from mlx_backend.text.words import count_words, folded_words, printable

_ASKS = re.compile(r"[?？؟;]\s*[\"'”»)]*$")  # Greek asks with a semicolon
_LONGEST_QUESTION = 40  # words
_SHORTEST_QUESTION = 3
_LONGEST_ANSWER = 120
_ALIKE = 0.8
_SURE = 0.8  # of a language; single words and names are taken for any
_FEWEST_TO_TELL = 5  # words
_LONG_KEYS = ("why", "how")  # kinds whose keys are more than a name or a number
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")


def draft_of(item: Item, view: View, genre: Genre) -> Draft:
    """A draft with the words of an item, its quote and key as they stand in the passage."""
    text = view.passage.text
    quote = view.sentence or as_it_stands(item.quote, text)
    draft = Draft(
        kind=genre.name,
        prompt=in_a_line(item.question),
        answer=in_a_line(item.answer),
        key=view.key or as_it_stands(item.key, quote),
        quote=quote or in_a_line(item.quote),
        others=view.others,
    )
    if not quote:
        return draft.drop(drop_reasons.MISQUOTED)
    if not all(
        any(map(str.isalnum, text)) for text in (draft.prompt, draft.answer, view.key or item.key)
    ):
        return draft.drop(drop_reasons.UNREADABLE)
    if view.other and not as_it_stands(item.other, view.other.text):
        return draft.drop(drop_reasons.MISQUOTED)
    return draft if draft.key else draft.drop(drop_reasons.NO_KEY)


def check(draft: Draft, view: View, code: str) -> Draft:
    """Drop a draft whose words show that it is bad.

    code: the ISO 639 code of the passage's language.
    """
    question, shown = draft.prompt, view.shown
    if draft.dropped:
        return draft
    is_too_long = (
        not _SHORTEST_QUESTION <= count_words(question) <= _LONGEST_QUESTION
        or count_words(draft.answer) > _LONGEST_ANSWER
    )
    if is_too_long or not _ASKS.search(question):
        return draft.drop(drop_reasons.NOT_A_QUESTION)
    if points_at_text(question, shown):
        return draft.drop(drop_reasons.NOT_ALONE)
    if _tells_answer(draft):
        return draft.drop(drop_reasons.TELLS_ANSWER)
    if draft.kind == "compare" and not compares(draft.quote):
        return draft.drop(drop_reasons.WRONG_WORD)
    if _is_from_elsewhere(f"{question} {draft.answer}", shown):
        return draft.drop(drop_reasons.UNSUPPORTED)
    if any(_is_in_another(text, code) for text in (question, draft.answer)):
        return draft.drop(drop_reasons.OTHER_LANGUAGE)
    return draft


def without_repeats(drafts: Iterable[Draft], there: Sequence[Draft]) -> list[Draft]:
    """Drop drafts that ask nearly the same as another about the same passage.

    there: drafts that are kept already, which `drafts` must not repeat either.
    """
    asked = [_Asked.of(draft) for draft in there]
    checked = []
    for draft in drafts:
        own = _Asked.of(draft)
        if draft.dropped:
            checked.append(draft)
        elif any(_are_alike(own, other) for other in asked):
            checked.append(draft.drop(drop_reasons.REPEATED))
        else:
            asked.append(own)
            checked.append(draft)
    return checked


@dataclass(frozen=True)
class _Asked:
    """The words of a question, and of what it asks for."""

    question: frozenset[str]
    key: frozenset[str]

    @classmethod
    def of(cls, draft: Draft) -> _Asked:
        return cls(frozenset(folded_words(draft.prompt)), frozenset(folded_words(draft.key)))


def _are_alike(one: _Asked, other: _Asked) -> bool:
    """Whether two questions are the same, or nearly, and ask for some of the same words.

    "Who lit the lamp?" and "When was the lamp lit?" are not alike: they ask for different words.
    """
    both = len(one.question & other.question) / max(1, len(one.question | other.question))
    return both == 1.0 or (both >= _ALIKE and bool(one.key & other.key))


def _tells_answer(draft: Draft) -> bool:
    """Whether a question has the words that it asks for, or half of a reason or a way in it."""
    if draft.kind == "compare":
        return False
    if is_right(draft.prompt, (draft.key,)):
        return True
    key = own_stems(draft.key)
    told = len(key & own_stems(draft.prompt))
    return bool(key) and (told == len(key) or (draft.kind in _LONG_KEYS and 2 * told >= len(key)))


def _is_from_elsewhere(text: str, shown: str) -> bool:
    """Whether a text has a number, or a name of the examples, that the note does not have."""
    numbers = set(_NUMBER.findall(text)) - set(_NUMBER.findall(shown))
    there = folded_words(shown)
    names = set(folded_words(text)) & NAMES_IN_EXAMPLES
    return bool(numbers) or not all(any(w.startswith(name) for w in there) for name in names)


def _is_in_another(text: str, code: str) -> bool:
    if code == UNKNOWN or count_words(text) < _FEWEST_TO_TELL:
        return False
    found = language.load().of(text)
    return found.code not in {code, UNKNOWN} and found.confidence >= _SURE


def in_a_line(text: str) -> str:
    """A text on one line, with a blank for whatever cannot be printed."""
    return " ".join(printable(text).split())
