"""How well candidates answer a question: what the model, the words and the form say of each."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from mlx_backend.asking.meaning import nearest_words
from mlx_backend.asking.question_kinds import (
    Wanted,
    asked_kind,
    asked_noun,
    counted_noun,
    enumerates,
    has_kind,
    has_reason,
    wanted,
)
from mlx_backend.asking.quoting.belonging import Whole, has_form, whole
from mlx_backend.asking.quoting.candidates import Candidate, Form
from mlx_backend.asking.retrieval import content_words
from mlx_backend.library.text_ranges import Ranges
from mlx_backend.models.base_model import LoadedModel
from mlx_backend.models.likelihood import likelihoods_after
from mlx_backend.text.answer_kinds import AnswerKind
from mlx_backend.text.dictionary import (
    could_be_noun,
    is_common_word,
    may_be_adjective,
    stem,
    verb_bases,
)
from mlx_backend.text.segmenting import segmented
from mlx_backend.text.stems import stems
from mlx_backend.text.synonyms import synonyms_of
from mlx_backend.text.words import folded_words, word_set

MOST_WEIGHED = 24
"""Candidates that the model reads; the others share fewer words with the question."""

# Weights beside the log-likelihood, in nats a token.
_OF_WORDS = 1.0
_OF_KIND = 0.5
_OF_FORM = 0.5
_OF_RANK = 0.15
_OF_NOUN = 0.5
# From this nearness of a word on, a statement has one of what the question asks for. A far one may
# have one all the same, because a name is near to nothing.
_NEAR_NOUN = 0.55
_COUNTED = 0.4  # the nearness of a word to what is counted ("how many litres"), at least
# Below both of these, no statement answers a question about things that no passage names.
_THIN_WORDS = 0.4
_THIN_LIKELIHOOD = 0.9

# From this share of words on, a statement answers though no answer of the kind is recognised.
_CLEAR_WORDS = 0.9

_WORD = re.compile(r"[^\W_]+")
_KIND_OF = re.compile(r"\b(what|which) (?:kind|type|sort|brand|make)s? of ", re.IGNORECASE)
_OWNED = re.compile(
    r"(?<!\bwhat)(?<!\bwho)(?<!\bwhere)(?<!\bhow)(?<!\bwhen)(?<!\bit)(?<!\bthat)(?<!\bthere)"
    r"(?<!\bhere)(?<!\blet)['’]s ((?:[^\W\d_]+ ){0,1}[^\W\d_]+)",
    re.IGNORECASE,
)
# With a capital, so that "mp4" and "5pm" are none; quarters have names in words, too.
_CODE = re.compile(r"\b((?!Q[1-4]\b)([a-z]*[A-Z][A-Za-z]*)[-.]?\d[\w-]*)")
_CODE_WRITTEN = re.compile(r"\b[A-Za-z]+[\s._-]?\d[\w-]*")
_SHORTEST_NAME = 3  # letters
_SEPARATORS = re.compile(r"[\s._-]+")
_SHORTEST_ROOT = 5  # letters
_ASKS_KIND = word_set("what which many much")
_BEFORE_NOUN = word_set("the a an my our your his her its their of s this that")
_OF_ANY_KIND = word_set(
    "call name make kind type colour color number money price cost time day date place person"
    " people thing reason way part amount temperature word size month year city town brand sort age"
    " number any nobody somebody anybody now s t"
)


@dataclass(frozen=True)
class Evidence:
    """How well a candidate answers a question.

    likelihood: by how much it raises the question's mean log-probability a token, in nats.
    words: the share of the question's content words that it has, 0 to 1, rare ones counting more.
    titled_words: the same for the candidate with the title of its note.
    has_kind: whether it has an answer of the kind that is asked for.
    kind_is_unmistakable: whether an answer of that kind cannot be overlooked.
    has_form: whether it has the form that is asked for: steps, a list, a reason.
    rank: the place of its passage among those that were found, from 0.
    noun: how near in meaning its nearest word comes to the noun that is asked for ("which fruit"):
    a cosine; 1 where none is.
    """

    likelihood: float
    words: float
    titled_words: float
    has_kind: bool
    kind_is_unmistakable: bool = False
    has_form: bool = False
    rank: int = 0
    noun: float = 1.0

    @property
    def score(self) -> float:
        """The weighted sum; higher is better."""
        return self.likelihood + self.without_model

    @property
    def without_model(self) -> float:
        """The part of the score that needs no model."""
        of_signs = _OF_KIND * self.has_kind + _OF_FORM * self.has_form
        of_noun = _OF_NOUN * (self.noun >= _NEAR_NOUN)
        return _OF_WORDS * self.words + of_signs + of_noun - _OF_RANK * self.rank


@dataclass(frozen=True)
class Weighed:
    """A candidate with the evidence for it, and what would be shown."""

    candidate: Candidate
    evidence: Evidence
    whole: Whole


def is_enough(evidence: Evidence, strange: Sequence[str], question: str) -> bool:
    """Whether the evidence for the best candidate is strong enough to give it as the answer.

    It is not if the candidate has no answer of the kind that is asked for, unless that could be
    overlooked and it has nearly all words of the question. Nor is it if the question is about
    `strange` things, which no passage names, and the evidence is thin: shares few words with it
    and, unless it asks for something of somebody's that is strange, does not make it likely.
    """
    if not evidence.has_kind:
        return not evidence.kind_is_unmistakable and evidence.titled_words >= _CLEAR_WORDS
    if not strange or evidence.titled_words >= _THIN_WORDS:
        return True
    return evidence.likelihood >= _THIN_LIKELIHOOD and not asks_for_owned(question, strange)


def asks_for_owned(question: str, things: Sequence[str]) -> bool:
    """Whether a question takes for granted that somebody has one of the things: "Ida's dog"."""
    for found in _OWNED.findall(question):
        first, *more = found.lower().split()
        if (more[0] if more and may_be_adjective(first) else first) in things:
            return True
    return False


def has_unknown_code(question: str, text: str) -> bool:
    """Whether a question has a name of letters and digits ("K-58") that a text does not have."""
    there = {_code(each) for each in _CODE_WRITTEN.findall(text)}
    words = set(folded_words(text))
    for code, letters in _CODE.findall(question):
        is_named = len(letters) >= _SHORTEST_NAME and letters.casefold() in words  # "Python3"
        if _code(code) not in there and not is_named:
            return True
    return False


def _code(written: str) -> str:
    """A code as it is compared: "K-41", "k 41" and the plural "K41s" are the same."""
    return _SEPARATORS.sub("", written.casefold()).removesuffix("s")


def unknown_things(question: str, passages: str) -> list[str]:
    """The nouns and names in a question of which no form and no synonym is in the passages.

    Nouns that say which kind of answer is wanted do not count: "which fruit", "what kind of fruit".
    """
    there = stems(passages)
    words = [word.lower() for word in _WORD.findall(_KIND_OF.sub(r"\1 ", question))]
    return [
        word
        for before, word in zip(["", *words], words, strict=False)
        if not any(_is_named(stem(each), there) for each in (word, *synonyms_of(word)))
        and before not in _ASKS_KIND
        and word not in _OF_ANY_KIND
        and content_words(word)
        and _is_thing(word, before)
    ]


def _is_named(word: str, there: frozenset[str]) -> bool:
    """Whether a stem is there, or one that shares 5 letters of its beginning, all of the shorter.

    "audit" is named by "auditor", and the other way round.
    """
    if word in there or any(word[:end] in there for end in range(_SHORTEST_ROOT, len(word))):
        return True
    return len(word) >= _SHORTEST_ROOT and any(each.startswith(word) for each in there)


def _is_thing(word: str, before: str) -> bool:
    """Whether a word, after the word `before`, is a noun or a name."""
    if not is_common_word(word):
        return not word[0].isdigit()
    return could_be_noun(word) and (not verb_bases(word) or before in _BEFORE_NOUN)


def weigh(loaded: LoadedModel, question: str, candidates: Sequence[Candidate]) -> list[Weighed]:
    """The candidates with the evidence for each, best first.

    The model reads those that look best without it, `MOST_WEIGHED` at most; the others are left
    out.
    """
    if not candidates:
        return []
    first = _without_model(question, candidates)
    first.sort(key=lambda each: (-each.evidence.without_model, -each.evidence.titled_words))
    chosen = first[:MOST_WEIGHED]
    titles = list(dict.fromkeys(each.candidate.title for each in chosen))
    contexts = [f"Note: {title}\nQuestion:" for title in titles]
    contexts += [f"Note: {c.candidate.title}\n{c.candidate.text}\nQuestion:" for c in chosen]
    found = _likelihoods(loaded, contexts, question)
    untold = min(found[: len(titles)])  # after the title alone that makes it least likely
    weighed = [
        Weighed(each.candidate, replace(each.evidence, likelihood=value - untold), each.whole)
        for value, each in zip(found[len(titles) :], chosen, strict=True)
    ]
    return sorted(weighed, key=lambda each: -each.evidence.score)


def _likelihoods(loaded: LoadedModel, contexts: Sequence[str], question: str) -> list[float]:
    """The mean log probability of a question after each context, in nats a token."""
    return [means[0] for means in likelihoods_after(loaded, contexts, [question])]


def _without_model(question: str, candidates: Sequence[Candidate]) -> list[Weighed]:
    asked, kind = wanted(question), asked_kind(question)
    words = _Words(question, candidates)
    nouns = _nearness(asked_noun(question), candidates)
    counted = _nearness(counted_noun(question), candidates)
    # Where it is near to none of them, a sign may stand for it: "€".
    least = _COUNTED if max(counted, default=0.0) >= _COUNTED else 0.0
    found = []
    for each, noun, number in zip(candidates, nouns, counted, strict=True):
        shown = whole(each, asked)
        evidence = Evidence(
            0.0,
            words.share(each.text),
            words.share(f"{each.title} {each.text}"),
            number >= least and _has_kind(kind, each, question),
            kind is not None and kind.is_unmistakable,
            _has_form(asked, each, shown.ranges),
            each.around.passage.rank,
            noun,
        )
        found.append(Weighed(each, evidence, shown))
    return found


def _nearness(noun: str, candidates: Sequence[Candidate]) -> list[float]:
    """How near each candidate comes to a noun in meaning; 1 for none, and where it is not known."""
    if noun and all(each.is_english for each in candidates):
        found = nearest_words(noun, [f"{each.title} {each.text}" for each in candidates])
        if found is not None:
            return found
    return [1.0] * len(candidates)


def _has_kind(kind: AnswerKind | None, candidate: Candidate, question: str) -> bool:
    """Whether a candidate has an answer of the kind; code may tell a place: a file, a command.

    "She" is somebody whom the sentence before names.
    """
    leant_on = f"{candidate.before.text} " if candidate.before else ""
    if has_kind(kind, f"{leant_on}{candidate.text}", question):
        return True
    is_code = candidate.form is Form.CODE or "`" in candidate.around.shown(
        candidate.start, candidate.end
    )
    return kind is not None and kind.name in ("place", "name") and is_code


def _has_form(asked: Wanted, candidate: Candidate, ranges: Ranges) -> bool:
    """Whether what would be shown has the form of what is asked for."""
    if asked is Wanted.REASON:
        shown = " ".join(candidate.around.shown(start, end) for start, end in ranges)
        return has_reason(shown)
    if asked is Wanted.LIST and candidate.form is Form.SENTENCE and enumerates(candidate.text):
        return True
    return has_form(candidate.around, ranges, asked)


class _Words:
    """The content words of a question, weighted by their rarity among the candidates."""

    def __init__(self, question: str, candidates: Sequence[Candidate]) -> None:
        asked = {stem(word) for word in content_words(question)}
        texts = [_stems(f"{each.title} {each.text}") for each in candidates]
        frequency = Counter(word for text in texts for word in asked & text)
        count = len(candidates)
        self._weights = {w: math.log(1 + count / max(0.5, frequency[w])) for w in asked}
        self._total = sum(self._weights.values()) or 1.0

    def share(self, text: str) -> float:
        """The share of the question's words that a text has, 0 to 1."""
        there = _stems(text)
        return sum(w for word, w in self._weights.items() if word in there) / self._total


def _stems(text: str) -> frozenset[str]:
    """The stems of a text's words, segmented as those of a question are."""
    return stems(segmented(text))
