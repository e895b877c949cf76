"""Single English words in the dictionary of lemminflect: their forms and parts of speech."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from lemminflect import getAllLemmas, getInflection

from mlx_backend.text.words import word_set

DETERMINERS = word_set(
    "the a an my our your his her its their this that these those each every some any no one "
    "two three four five six seven eight nine ten both all"
)
PREPOSITIONS = word_set(
    "in at on behind under near from to through with by between above below inside beside "
    "against over of for into onto within without along across around during after before since "
    "until as than about per"
)
AUXILIARIES = word_set(
    "is are was were am has have had can could may might must shall should will would"
)
PRONOUNS = word_set("i we you they he she it")
_RARE_VERBS = word_set("rend wend")  # "rent" and "went" nearly always belong to other verbs


@cache
def inflected(base: str, tag: str) -> str:
    """A form of the verb `base` by its Penn Treebank tag; `base` itself if there is none."""
    forms = getInflection(base, tag)
    return str(forms[0]) if forms else base


@cache
def verb_bases(word: str) -> tuple[str, ...]:
    """The infinitives of all verbs that a word may be a form of."""
    return tuple(getAllLemmas(word, upos="VERB").get("VERB", ()))


@cache
def is_common_word(word: str) -> bool:
    """Whether a word in lower case, or what it is a form of, is in the dictionary."""
    return bool(getAllLemmas(word)) or word in DETERMINERS or word in PREPOSITIONS


@cache
def could_be_noun(word: str) -> bool:
    """Whether a word can be a noun, among other parts of speech."""
    return "NOUN" in getAllLemmas(word)


@cache
def is_noun(word: str) -> bool:
    """Whether a word can be a noun, and neither an adjective nor an adverb."""
    lemmas = getAllLemmas(word)
    return "NOUN" in lemmas and not lemmas.keys() & {"ADJ", "ADV"}


@cache
def is_adjective(word: str) -> bool:
    """Whether a word can only be an adjective or an adverb."""
    lemmas = getAllLemmas(word)
    return bool(lemmas) and not lemmas.keys() - {"ADJ", "ADV"}


@cache
def may_be_adjective(word: str) -> bool:
    """Whether a word can be an adjective, among other parts of speech."""
    return "ADJ" in getAllLemmas(word)


@cache
def is_adverb(word: str) -> bool:
    """Whether a word ends in "ly" and can only be an adverb: "essentially"."""
    return word.endswith("ly") and getAllLemmas(word).keys() == {"ADV"}


@cache
def stem(word: str) -> str:
    """The shortest lemma of a word, the same for all its forms; the word itself if it has none."""
    lemmas = getAllLemmas(word)
    found = [lemma for forms in lemmas.values() for lemma in forms]
    return min(found, key=len) if found else word


def is_participle(words: Sequence[str]) -> bool:
    """Whether the first of some words can be a past participle: "painted", "begun"."""
    return bool(words) and any(
        words[0].lower() in getInflection(base, "VBN") for base in verb_bases(words[0].lower())
    )


def looks_plural(text: str) -> bool:
    """Whether a text ends like a plural: "sails", but not "glass", "status" or "basis"."""
    return text.endswith("s") and not text.endswith(("ss", "us", "is"))


def begins_with_gerund(text: str) -> bool:
    """Whether a text begins with a gerund, as in "cleaning the tank"."""
    first = text.split(maxsplit=1)[0].lower()
    return first.endswith("ing") and bool(verb_bases(first))


@cache
def finite_base(word: str) -> str:
    """The infinitive of a finite form in present or past tense: "keeps", "kept"; "" for others."""
    for base in verb_bases(word):
        if (
            word != base
            and base not in _RARE_VERBS
            and (word in getInflection(base, "VBZ") or word in getInflection(base, "VBD"))
        ):
            return base
    return ""


def plain_base(word: str) -> str:
    """The word itself if it can be an infinitive; "" for others."""
    return word if word in verb_bases(word) else ""
