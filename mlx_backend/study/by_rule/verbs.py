"""Finding the verb of a clause."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from mlx_backend.text.dictionary import (
    AUXILIARIES,
    DETERMINERS,
    PREPOSITIONS,
    PRONOUNS,
    could_be_noun,
    finite_base,
    is_common_word,
    is_participle,
    plain_base,
)
from mlx_backend.text.words import word_set

ADVERBS = word_set(
    "always never often usually sometimes rarely only still already also now just ever soon not "
    "mostly finally originally currently"
)
"""Words that may stand between a subject and its verb."""
VERB_FOLLOWERS = word_set(
    "it them me us him you i we they best well badly worst up out off down back away home"
)
"""Words that follow a verb, but no noun."""
PLURAL_PRONOUNS = word_set("i we you they")
FARTHEST_VERB = 9
_BEGINS_CLAUSE = word_set("that which who whom whose when where if because so while what how why")
_SUBJECTS_ONLY = word_set("i we they he she")
_DEGREES = word_set("rather quite very too so")
_NUMBERS = word_set("one two three four five six seven eight nine ten")


def verb_place(words: Sequence[str]) -> int | None:
    """The index of the verb among a clause's words; None where that is uncertain."""
    lower = [word.lower().strip(",") for word in words]
    reach = range(1, min(len(words), FARTHEST_VERB))
    for i in reach:
        is_auxiliary = lower[i] in AUXILIARIES and words[i][0].islower()  # not the month of May
        if is_auxiliary and lower[i - 1] not in {"who", "that", "which"}:
            return None if _has_relative(lower[:i]) else i
    if lower[0].endswith("ing") and AUXILIARIES & set(lower[FARTHEST_VERB:]):
        return None  # "being able to do all that at once is valuable"
    candidates = [i for i in reach if _could_be_verb(lower, words, i)]
    for noun, verb in pairwise(candidates):
        is_one_phrase = (
            lower[noun].endswith("s")
            and lower[noun] != "does"
            and ADVERBS.issuperset(lower[noun + 1 : verb])
        )
        if is_one_phrase and plain_base(lower[verb]) and lower[verb] not in VERB_FOLLOWERS:
            return verb  # "the release notes give"
    sure = [i for i in candidates if not could_be_noun(lower[i])]
    likely = [i for i in candidates if finite_base(lower[i])]  # "the rails console command uses"
    return next(iter(sure or likely or candidates), None)


def _has_relative(words: Sequence[str]) -> bool:
    return any(word in {"when", "where", "if", "because"} for word in words)


def _could_be_verb(lower: Sequence[str], words: Sequence[str], i: int) -> bool:
    word, before = lower[i], _before(lower, i)
    after = lower[i + 1] if i + 1 < len(lower) else ""
    if not word.isalpha() or words[i][0].isupper() or before in {"who", "that", "which"}:
        return False
    if word in ADVERBS or is_said_within(lower, i):
        return False  # "still" is a verb too
    if before in PREPOSITIONS or before.endswith("'s"):
        return False
    if (word == "based" and after == "on") or (word == "like" and before not in PRONOUNS):
        return False
    if before in DETERMINERS and (before not in _NUMBERS or could_be_noun(word)):
        return False
    if finite_base(word):
        return _stands_as_verb(lower, i, after)
    subject_is_plural = before in PLURAL_PRONOUNS or (
        (i == 1 or lower[0] in DETERMINERS)
        and before.endswith("s")
        and before != "does"
        and could_be_noun(before)
    )
    if word == "cost" and after[:1].isdigit():
        return True
    return subject_is_plural and bool(plain_base(word))


def _before(lower: Sequence[str], i: int) -> str:
    """The word before the i-th and its adverbs."""
    return next((word for word in reversed(lower[:i]) if word not in ADVERBS), "")


def is_said_within(lower: Sequence[str], i: int) -> bool:
    """Whether the i-th word is a participle within the subject, and the verb comes later.

    As in "blocks defined in Ruby receive".
    """
    after = lower[i + 1 :]
    if not is_participle([lower[i]]) or lower[i - 1] in PRONOUNS:
        return False
    if not after or after[0] not in PREPOSITIONS:
        return False
    for before, word in pairwise(after):
        if word in PRONOUNS or word in _BEGINS_CLAUSE:
            return False
        is_verb = finite_base(word) or (plain_base(word) and before not in PREPOSITIONS)
        if word in AUXILIARIES or (
            is_verb and not could_be_noun(word) and not is_participle([word])
        ):
            return True
    return False


def _stands_as_verb(lower: Sequence[str], i: int, after: str) -> bool:
    """Whether a form that can also be a noun or participle is the verb, by the words around it."""
    word = lower[i]
    if after in _DEGREES or (after == "of" and could_be_noun(word)):
        return False  # "column names rather difficult", "modern versions of"
    if after in _SUBJECTS_ONLY and could_be_noun(word):
        return False  # "the commands we use"
    begins_phrase = after in DETERMINERS | PREPOSITIONS | VERB_FOLLOWERS or (
        after[:1].isdigit() and not (word.endswith("s") and is_common_word(lower[i - 1]))
    )
    if word.endswith("s"):
        if lower[i - 1] in PLURAL_PRONOUNS or not could_be_noun(word):
            return lower[i - 1] not in PLURAL_PRONOUNS
        has_number = any(each[0].isdigit() for each in lower[:i])
        return not has_number and (begins_phrase or (lower[0] in DETERMINERS and after != ""))
    if after == "by":
        return False
    return begins_phrase or after == "" or not is_participle([word]) or (lower[i - 1] in PRONOUNS)
