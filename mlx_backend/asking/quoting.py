"""Answering by quoting the best statement: small models judge better than they write.

Asked for an answer, a small model copies the wrong words. Asked how likely the question is after
each statement, it finds the right one in 19 of 20 cases. So it only chooses, and every answer is in
the notes word for word.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from mlx_backend.asking.question_kinds import asked_kind, has_kind
from mlx_backend.asking.retrieval import FoundPassage, content_words
from mlx_backend.library.notes import Passage
from mlx_backend.library.quote_places import verbatim
from mlx_backend.library.sample_drafts import titled_answer
from mlx_backend.models.base_model import LoadedModel
from mlx_backend.models.likelihood import likelihoods
from mlx_backend.protocol import WORDS_LOOKED_UP
from mlx_backend.study.by_rule.rule_writer import quoted_statements
from mlx_backend.text.dictionary import could_be_noun, is_common_word, stem, verb_bases
from mlx_backend.text.segmenting import segmented
from mlx_backend.text.stems import stems
from mlx_backend.text.words import end_of, word_set

# Weights of shared words and of the kind of answer beside the log-likelihood, in nats a token.
_OF_WORDS = 1.0
_OF_KIND = 0.5
# Below both of these, no statement answers a question about things that no passage names.
_THIN_WORDS = 0.4
_THIN_LIKELIHOOD = 0.9

# From this share of words on, a statement answers though no answer of the kind is recognised.
_CLEAR_WORDS = 0.9

_WORD = re.compile(r"[^\W_]+")
_KIND_OF = re.compile(r"\b(what|which) (?:kind|type|sort|brand|make)s? of ", re.IGNORECASE)
_SHORTEST_ROOT = 5  # letters
_ASKS_KIND = word_set("what which many much")
_BEFORE_NOUN = word_set("the a an my our your his her its their of s this that")
_OF_ANY_KIND = word_set(
    "call name make kind type colour color number money price cost time day date place person"
    " people thing reason way part amount temperature word size month year city town brand sort age"
    " number any nobody somebody anybody now s t"
)


@dataclass(frozen=True)
class Quoted:
    """A quote that answers a question.

    text: the answer, with the title of its note. words: the statement as it is in the note.
    """

    text: str
    passage: FoundPassage
    words: str


@dataclass(frozen=True)
class Evidence:
    """How well a statement answers a question.

    likelihood: by how much the statement raises the question's mean log-probability a token, nats.
    words: the share of the question's content words that the statement has, 0 to 1, rare ones
    counting more.
    titled_words: the same for the statement with the title of its note.
    has_kind: whether it has an answer of the kind that is asked for.
    kind_is_unmistakable: whether an answer of that kind cannot be overlooked.
    """

    likelihood: float
    words: float
    titled_words: float
    has_kind: bool
    kind_is_unmistakable: bool = False

    @property
    def score(self) -> float:
        """The weighted sum; higher is better."""
        return self.likelihood + _OF_WORDS * self.words + _OF_KIND * self.has_kind


def quote(loaded: LoadedModel, question: str, passages: Sequence[FoundPassage]) -> Quoted | None:
    """The statement in the passages that answers best; None if none is good enough.

    loaded: the base model without adapters, which would judge by what they remember.
    """
    # Composed, because words with accents are compared below.
    question = unicodedata.normalize("NFC", end_of(question, WORDS_LOOKED_UP))
    stated = [(passage, text) for passage in passages for text in _stated(passage)]
    if not stated:
        return None
    evidence = weigh(loaded, question, [(passage.title, text) for passage, text in stated])
    best = max(range(len(stated)), key=lambda i: evidence[i].score)
    strange = unknown_things(question, " ".join(f"{p.title} {text}" for p, text in stated))
    if not is_enough(evidence[best], strange):
        return None
    passage, text = stated[best]
    words = verbatim(text, (passage.text, *passage.before))
    return Quoted(titled_answer(passage.title, words), passage, words)


def is_enough(evidence: Evidence, strange: Sequence[str]) -> bool:
    """Whether the evidence for the best statement is strong enough to give it as the answer.

    It is not if the statement has no answer of the kind that is asked for, unless that could be
    overlooked and the statement has nearly all words of the question. Nor is it if the question is
    about `strange` things, which no passage names, and the evidence is thin.
    """
    if not evidence.has_kind:
        return not evidence.kind_is_unmistakable and evidence.titled_words >= _CLEAR_WORDS
    is_thin = evidence.titled_words < _THIN_WORDS and evidence.likelihood < _THIN_LIKELIHOOD
    return not (strange and is_thin)


def unknown_things(question: str, passages: str) -> list[str]:
    """The nouns and names in a question of which no form is in the passages.

    Nouns that say which kind of answer is wanted do not count: "which fruit", "what kind of fruit".
    """
    there = stems(passages)
    words = [word.lower() for word in _WORD.findall(_KIND_OF.sub(r"\1 ", question))]
    return [
        word
        for before, word in zip(["", *words], words, strict=False)
        if not _is_named(stem(word), there)
        and before not in _ASKS_KIND
        and word not in _OF_ANY_KIND
        and content_words(word)
        and _is_thing(word, before)
    ]


def _is_named(word: str, there: frozenset[str]) -> bool:
    """Whether a stem or at least 5 letters of its beginning are there: "audit" for "auditor"."""
    return word in there or any(word[:end] in there for end in range(_SHORTEST_ROOT, len(word)))


def _is_thing(word: str, before: str) -> bool:
    """Whether a word, after the word `before`, is a noun or a name."""
    if not is_common_word(word):
        return not word[0].isdigit()
    return could_be_noun(word) and (not verb_bases(word) or before in _BEFORE_NOUN)


def weigh(loaded: LoadedModel, question: str, stated: Sequence[tuple[str, str]]) -> list[Evidence]:
    """The evidence that each statement answers a question; pairs of (title, statement)."""
    title = stated[0][0]
    contexts = [f"Note: {title}\nQuestion:"]
    contexts += [f"Note: {title}\n{text}\nQuestion:" for title, text in stated]
    plain, *informed = likelihoods(loaded, contexts, [question] * len(contexts))
    kind = asked_kind(question)
    words = _shared_words(question, [text for _, text in stated], stated)
    titled = _shared_words(question, [f"{title} {text}" for title, text in stated], stated)
    return [
        Evidence(
            value - plain,
            share,
            titled_share,
            has_kind(kind, text),
            kind is not None and kind.is_unmistakable,
        )
        for value, share, titled_share, (_, text) in zip(
            informed, words, titled, stated, strict=True
        )
    ]


def _stated(passage: FoundPassage) -> list[str]:
    """The quotes of a passage's statements, read with the passages before it."""
    pieces = [
        Passage(passage.id, passage.note_id, passage.title, place, passage.heading, text)
        for place, text in enumerate((*passage.before, passage.text))
    ]
    return [quoted.quote for quoted in quoted_statements(pieces)[-1]]


def _shared_words(
    question: str, texts: Sequence[str], stated: Sequence[tuple[str, str]]
) -> list[float]:
    """The share of a question's content words in each text, weighted by rarity in `stated`."""
    asked = {stem(word) for word in content_words(question)}
    frequency = Counter(word for title, text in stated for word in _stems(f"{title} {text}"))
    weights = {word: math.log(1 + len(stated) / max(0.5, frequency[word])) for word in asked}
    total = sum(weights.values()) or 1.0
    return [sum(weights[word] for word in asked & _stems(text)) / total for text in texts]


def _stems(text: str) -> frozenset[str]:
    """The stems of a text's words, segmented as those of a question are."""
    return stems(segmented(text))
