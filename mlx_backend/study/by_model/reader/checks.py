"""What a reader wrote, checked without a model: each check drops a draft and records why."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from mlx_backend.curation import language
from mlx_backend.library import drop_reasons
from mlx_backend.library.languages import UNKNOWN
from mlx_backend.library.sample_drafts import Draft
from mlx_backend.study.by_model.reader.genres import Genre
from mlx_backend.study.by_model.reader.items import Item
from mlx_backend.study.by_model.reader.pointing import points_at_text
from mlx_backend.study.by_model.reader.quoting import as_it_stands
from mlx_backend.study.by_model.reader.views import View
from mlx_backend.text.answer_matching import is_right
from mlx_backend.text.words import count_words, folded_words, printable

_ASKS = re.compile(r"[?？؟;]\s*[\"'”»)]*$")  # Greek asks with a semicolon
_LONGEST_QUESTION = 40  # words
_SHORTEST_QUESTION = 3
_LONGEST_ANSWER = 120
_ALIKE = 0.8
_SURE = 0.9  # of a language; single words and names are taken for any
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")


def draft_of(item: Item, view: View, genre: Genre) -> Draft:
    """A draft with the words of an item, its quote and key as they stand in the passage."""
    text = view.passage.text
    quote = view.sentence or as_it_stands(item.quote, text)
    draft = Draft(
        kind=genre.name,
        prompt=in_a_line(item.question),
        answer=in_a_line(item.answer),
        key=as_it_stands(item.key, quote),
        quote=quote or in_a_line(item.quote),
        others=view.others,
    )
    if not quote:
        return draft.drop(drop_reasons.MISQUOTED)
    if not all(any(map(str.isalnum, text)) for text in (draft.prompt, draft.answer, item.key)):
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
    if is_right(question, (draft.key,)) and draft.kind != "compare":
        return draft.drop(drop_reasons.TELLS_ANSWER)
    if not set(_NUMBER.findall(f"{question} {draft.answer}")) <= set(_NUMBER.findall(shown)):
        return draft.drop(drop_reasons.UNSUPPORTED)
    if _is_in_another(f"{question} {draft.answer}", code):
        return draft.drop(drop_reasons.OTHER_LANGUAGE)
    return draft


def without_repeats(drafts: Iterable[Draft], there: Sequence[Draft]) -> list[Draft]:
    """Drop drafts that ask nearly the same as another about the same passage.

    there: drafts that are kept already, which `drafts` must not repeat either.
    """
    asked = [_words(draft) for draft in there]
    checked = []
    for draft in drafts:
        own = _words(draft)
        if draft.dropped:
            checked.append(draft)
        elif any(_likeness(own, other) >= _ALIKE for other in asked):
            checked.append(draft.drop(drop_reasons.REPEATED))
        else:
            asked.append(own)
            checked.append(draft)
    return checked


def _words(draft: Draft) -> set[str]:
    """The words of a question and of what it asks for: "Who?" and "When?" differ in little else."""
    key = {f"={word}" for word in folded_words(draft.key)}
    return set(folded_words(draft.prompt)) | key


def _likeness(one: set[str], other: set[str]) -> float:
    return len(one & other) / max(1, len(one | other))


def _is_in_another(text: str, code: str) -> bool:
    if code == UNKNOWN:
        return False
    found = language.load().of(text)
    return found.code not in {code, UNKNOWN} and found.confidence >= _SURE


def in_a_line(text: str) -> str:
    """A text on one line, with a blank for whatever cannot be printed."""
    return " ".join(printable(text).split())
