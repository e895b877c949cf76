"""Whether the words at the beginning of a sentence are its subject."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from mlx_backend.text.dictionary import (
    AUXILIARIES,
    DETERMINERS,
    PREPOSITIONS,
    PRONOUNS,
    begins_with_gerund,
    could_be_noun,
    finite_base,
    is_adjective,
    is_adverb,
    is_participle,
)
from mlx_backend.text.words import word_set

# Words in no subject, and words at the beginning of none: with them, something else was found.
_NOT_IN_SUBJECT = word_set(
    "i we you they he she if when once whether because while though although since where how "
    "why what then now say says let let's lets that's there's it's i'm i've i'll we've we're "
    "you're you'll don't can't is are was were has had can will should would could must may "
    "might and maybe perhaps just simply even it them me us him do does did not sure "
    "what's who's where's here's be been have"
)
_NOT_FIRST_IN_SUBJECT = word_set(
    "here there however then now sometimes also again notice note regardless whether and but or "
    "so to for not only as such instead otherwise yet thus hence first second next finally "
    "whose assuming given using still fewer more whereas unlike despite except besides like "
    "whatever whichever whoever see neither"
)
_ARTICLES = word_set("the a an my our your his her its their")
_RELATIVE = word_set("that who which")
_POINTING = word_set("this these those")
_QUANTIFIERS = word_set("multiple several many few various certain")
_NOT_LAST_IN_SUBJECT = word_set("or and still other more fewer less longer")
_A_BIT = (["a", "bit"], ["a", "little"])
_LONGEST_SUBJECT = 7
_TITLES = frozenset({"dr.", "mr.", "mrs.", "ms.", "prof.", "st."})
_WHENEVER = re.compile(r"(?:the|each|every) (?:(?:next|first|last) )?(?:time|moment|way|day)\b")
_CONTRACTED = re.compile(r"['’](?:ve|ll|re|m|d)$|n['’]t$")


def is_subject(words: Sequence[str]) -> bool:
    """Whether words, in lower case, can be the whole subject of a sentence."""
    if len(words) == 1 and (words[0] in PRONOUNS or words[0] in {"this", "that", "there"}):
        return True
    first, last = words[0], words[-1]
    return (
        len(words) <= _LONGEST_SUBJECT
        and last not in _QUANTIFIERS
        and first[0] not in ".-/"
        and not (len(first) == 1 and first not in DETERMINERS)
        and first not in _NOT_FIRST_IN_SUBJECT | PREPOSITIONS
        and not (first.endswith("s") and finite_base(first) and not could_be_noun(first))
        and not (first not in DETERMINERS and DETERMINERS & set(words[1:2]))
        and not any(_stands_in_no_subject(word) for word in words)
        and not _POINTING & set(words[1:])
        and not (len(words) == 1 and is_participle(words) and not could_be_noun(first))
        and list(words[:2]) not in _A_BIT
        and not _tells_of_another(words)
        and last not in _NOT_LAST_IN_SUBJECT | PREPOSITIONS
        and not (len(words) > 1 and is_adjective(last))
        and not (is_participle(words[:1]) and PREPOSITIONS & set(words[1:2]))
        and not _holds_a_clause(words)
    )


def _tells_of_another(words: Sequence[str]) -> bool:
    """Whether the verb belongs to a second subject, as in "the approach that you"."""
    is_of_doing = words[0].endswith("ing")
    for before, word in pairwise(words):  # "the first thing the extension"
        ends_phrase = could_be_noun(before) and before not in DETERMINERS | PREPOSITIONS
        if word in _ARTICLES and ends_phrase and not is_of_doing and not begins_with_gerund(before):
            return True
    return any(
        word in _RELATIVE and not (finite_base(following) or following in AUXILIARIES)
        for word, following in zip(words, [*words[1:], ""], strict=True)
    )


def _holds_a_clause(words: Sequence[str]) -> bool:
    """Whether a verb is among the words already, as in "this helps", "ruby makes strings"."""
    if words[0] in {"this", "that"} and len(words) > 1 and re.search(r"[^sui]s$", words[1]):
        return True
    if words[0] in DETERMINERS:
        return any(is_adverb(word) for word in words[1:]) or bool(
            _WHENEVER.match(" ".join(words[:3]))
        )
    return is_adverb(words[0]) or any(
        is_adverb(word) or (finite_base(word) and (word.endswith("s") or not could_be_noun(word)))
        for word in words[1:-1]
    )


def _stands_in_no_subject(word: str) -> bool:
    return (
        word in _NOT_IN_SUBJECT
        or word in {"also", "--", "-", "–", "—", "not"}
        or (word[-1] == "." and word not in _TITLES)
        or word[-1] in ",)"
        or word[0] == "("
        or "`" in word
        or bool(_CONTRACTED.search(word))
    )
