"""Answering by quoting: of what the passages state, the one statement that answers, or none.

A small model reads badly and judges well. Asked for an answer it copies the wrong words; asked how
likely a question is behind a statement it picks the right one nineteen times of twenty. So small
models choose and do not write: what they answer stands in the notes word for word.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from mlx_backend.base_model import LoadedModel
from mlx_backend.library.models import BaseModel
from mlx_backend.library.notes import Passage
from mlx_backend.likelihood import likelihoods
from mlx_backend.retrieval import Found, content_words
from mlx_backend.study.answers import answers_in
from mlx_backend.study.drafts import worded
from mlx_backend.study.filters import stems
from mlx_backend.study.grammar import stem
from mlx_backend.study.rules import told_in_note

SMALLEST_READER = 1_000_000_000
"""Parameters from which on a model reads passages by itself and words its own answers."""

# What the words in common and the kind of answer add to the likelihood, in nats a token.
_OF_WORDS = 1.0
_OF_KIND = 0.5


_ASKS_NUMBER = re.compile(
    r"\bhow (?:much|many|long|far|old|tall|big|high|heavy|deep|often|large)\b|\bage\b"
    r"|\bwh(?:at|ich) (?:price|number|percentage|share|amount|temperature|size)\b|\bcosts?\b",
    re.IGNORECASE,
)
_ASKS_TIME = re.compile(
    r"\bwhen\b|\bwh(?:at|ich) (?:time|day|date|month|year|weekday)\b", re.IGNORECASE
)
_ASKS_PERSON = re.compile(r"\bwho(?:m|se)?\b", re.IGNORECASE)
_ASKS_PLACE = re.compile(r"\bwhere\b", re.IGNORECASE)
_NUMBER = re.compile(
    r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty"
    r"|fifty|hundred|thousand|dozen|half|twice|once|every|each|daily|weekly|monthly)\b",
    re.IGNORECASE,
)
_TIME = re.compile(
    r"\d{1,2}[:.]\d\d|\b(?:19|20)\d\d\b|\d(?:st|nd|rd|th)\b|\b(?:mon|tues|wednes|thurs|fri|satur"
    r"|sun)days?\b|\b(?:january|february|march|april|may|june|july|august|september|october"
    r"|november|december|spring|summer|autumn|winter|morning|noon|evening|night|today|tomorrow"
    r"|yesterday|weeks?|months?|o'clock)\b",
    re.IGNORECASE,
)
_NAME = re.compile(r"(?<=\s)[A-ZÀ-Þ]\w+|^[A-ZÀ-Þ]\w+ [A-ZÀ-Þ]")


@dataclass(frozen=True)
class Quoted:
    """A statement that answers, worded as an answer, and its passage."""

    text: str
    passage: Found


@dataclass(frozen=True)
class Evidence:
    """How well a statement answers a question.

    likelihood: nats a token that the question gains by it. words: how much of the question's
    telling words it has, from 0 to 1, rare ones counting more. has_kind: whether it has the kind
    of thing that is asked for.
    """

    likelihood: float
    words: float
    has_kind: bool

    @property
    def score(self) -> float:
        """All of it together; higher is better."""
        return self.likelihood + _OF_WORDS * self.words + _OF_KIND * self.has_kind


def reads_by_itself(model: BaseModel) -> bool:
    """Whether a model is large enough to read passages and word an answer at once."""
    return model.card.parameters >= SMALLEST_READER


def quote(loaded: LoadedModel, question: str, passages: Sequence[Found]) -> Quoted | None:
    """The statement of the passages that answers best; None where none does well enough.

    `loaded` is the base model: an adapter would judge by what it remembers.
    """
    stated = [(passage, text) for passage in passages for text in _stated(passage)]
    if not stated:
        return None
    evidence = weigh(loaded, question, [(passage.title, text) for passage, text in stated])
    best = max(range(len(stated)), key=lambda i: evidence[i].score)
    if not answers(question, evidence, best):
        return None
    passage, text = stated[best]
    return Quoted(worded(passage.title, text), passage)


def weigh(loaded: LoadedModel, question: str, stated: Sequence[tuple[str, str]]) -> list[Evidence]:
    """How well each statement, with the title of its note, answers a question."""
    title = stated[0][0]
    contexts = [f"Note: {title}\nQuestion:"]
    contexts += [f"Note: {title}\n{text}\nQuestion:" for title, text in stated]
    plain, *informed = likelihoods(loaded, contexts, [question] * len(contexts))
    shares = _shared_words(question, stated)
    return [
        Evidence(value - plain, share, _has_kind(question, text))
        for value, share, (_, text) in zip(informed, shares, stated, strict=True)
    ]


def _stated(passage: Found) -> list[str]:
    piece = Passage(passage.id, passage.note_id, passage.title, 0, passage.heading, passage.text)
    return [told.quote for told in told_in_note([piece])[0]]


def _shared_words(question: str, stated: Sequence[tuple[str, str]]) -> list[float]:
    """Of a question's telling words, how much each statement has; rare ones count more."""
    asked = {stem(word) for word in content_words(question)}
    frequency = Counter(word for title, text in stated for word in stems(f"{title} {text}"))
    weights = {word: math.log(1 + len(stated) / max(0.5, frequency[word])) for word in asked}
    total = sum(weights.values()) or 1.0
    return [sum(weights[word] for word in asked & stems(text)) / total for _, text in stated]


def _has_kind(question: str, text: str) -> bool:
    """Whether a statement has something of the kind that a question asks for."""
    if _ASKS_NUMBER.search(question):
        return bool(_NUMBER.search(text))
    if _ASKS_TIME.search(question):
        return bool(_TIME.search(text))
    if _ASKS_PERSON.search(question):
        return bool(_NAME.search(text))
    if _ASKS_PLACE.search(question):
        told = stems(question)
        kinds = {a.kind for a in answers_in(text) if not stems(a.key) <= told}
        return bool(kinds & {"place", "name"})
    return True
