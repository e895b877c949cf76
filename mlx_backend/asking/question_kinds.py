"""What a person's question asks for: the kind of answer, and how much of a note is one."""

from __future__ import annotations

import re
from collections.abc import Sequence, Set
from enum import Enum, auto

from mlx_backend.asking.retrieval import content_words
from mlx_backend.text.answer_kinds import ANSWER_KINDS, AnswerKind
from mlx_backend.text.dictionary import (
    could_be_noun,
    is_common_word,
    looks_plural,
    verb_bases,
)
from mlx_backend.text.word_alternatives import DAYS, MONTHS
from mlx_backend.text.words import folded_words, word_set

_STEPS = re.compile(
    r"\bhow (?:(?:do|can|could|should|would|might|must) (?:i|we|you|one|people)\b|to\b)"
    r"|\bwhat(?:'s| is| are)(?: the)?(?: \w+)? (?:way|steps|commands?) (?:to|for)\b"
    r"|\b(?:what|which) commands?\b|\bsteps (?:to|for)\b",
    re.IGNORECASE,
)
_REASON = re.compile(r"\bwhy\b|\bhow come\b|\breasons? (?:for|why|that)\b", re.IGNORECASE)
_LIST = re.compile(
    r"\bways (?:to|of)\b|\bwhat (?:are|were)\b|\blist (?:of|all|the)\b|\bname (?:all|the)\b"
    r"|\bwhich are\b",
    re.IGNORECASE,
)
_ASKED_NOUNS = re.compile(r"\b(?:which|what) ((?:[^\W\d_][\w-]* ){1,4})", re.IGNORECASE)
_VERBS = word_set("is are was were do does did has have had can could will would should may must")
_PLURALS = word_set("people children men women")
_REASONS = re.compile(
    r"\b(?:because|since|so that|due to|owing to|in order to|to avoid|otherwise|therefore|reasons?"
    r"|prevents?|avoids?|useful|that way|this way|allows?|lets?|makes? it|causes?|caused)\b",
    re.IGNORECASE,
)
_QUESTION_WORDS = re.compile(r"\b(?:what|which|who(?:m|se)?|when|where|why|how)\b", re.IGNORECASE)
_COUNTED = re.compile(r"\bhow many ([^\W\d_]+)", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_][\w-]*")
_OPENING = " \t\"'“‘«(*_[#>-"
_ENDS = ".!?:;|\n"
# "Who is Ida?" names whom it asks about, and wants no name.
_ABOUT_SOMEBODY = re.compile(r"\s*(?i:who(?:['’]s| is| was| are| were)) [A-ZÀ-Þ]")
_BEGINS_WITH_CLAUSE = re.compile(
    r"\s*(?:when|where|if|while|after|before|since) (?!(?:is|are|was|were|do|does|did|has|have|had"
    r"|can|could|will|would|should|may|might|must)\b)",
    re.IGNORECASE,
)
_SAYS_NAME = re.compile(r"\b(?:called|named|name is|names are|nickname)", re.IGNORECASE)
_OF_TIME = re.compile(rf"(?:{MONTHS}|{DAYS})s?\Z", re.IGNORECASE)
_SOMEBODY = re.compile(
    r"\b(?:I|we)\b|\b(?:dr|mr|mrs|ms|prof)\.? \w"
    r"|\b(?:my|our|his|her|their|the|an?) (?:\w+ )?(?:mother|father|parents?|sister|brother|son"
    r"|daughter|wife|husband|partner|aunt|uncle|cousin|niece|nephew|grand\w+|friends?|neighbours?"
    r"|neighbors?|boss|colleagues?|team|doctor|vet|nurse|teacher|priest|vicar|farmer|baker|butcher"
    r"|plumber|electrician|landlord|tenant|manager|director|secretary|chef|driver|company|firm"
    r"|\w+(?:ist|man|woman))\b",
    re.IGNORECASE,
)
_TELL_NO_KIND = word_set(
    "kind type sort name thing things way part amount number time times day date place person"
    " people reason form use point case more of other others"
)
_ENUMERATES = re.compile(r"(?:[^,]{1,80},\s){1,}[^,]{0,80},?\s(?:and|or)\s", re.IGNORECASE)


class Wanted(Enum):
    """How much of a note answers: any statement, all steps, all of a list, or a reason."""

    ANY = auto()
    STEPS = auto()
    LIST = auto()
    REASON = auto()


def wanted(question: str) -> Wanted:
    """What a question asks for; ANY where its words do not tell, as in languages but English."""
    if _STEPS.search(question):
        return Wanted.STEPS
    if _REASON.search(question):
        return Wanted.REASON
    if _LIST.search(question) or _asks_for_several(question):
        return Wanted.LIST
    return Wanted.ANY


def has_reason(statement: str) -> bool:
    """Whether a statement has words that give a reason."""
    return bool(_REASONS.search(statement))


def enumerates(statement: str) -> bool:
    """Whether a statement names several things: "red, green and blue"."""
    return bool(_ENUMERATES.search(statement[:2_000]))


def asked_kind(question: str) -> AnswerKind | None:
    """The kind of answer that a question asks for; None where any answer may do.

    A question for steps may name any kind: "How do I see how large it is?"
    """
    if _STEPS.search(question) or _ABOUT_SOMEBODY.match(question):
        return None
    asks = _asking_part(question)
    return next((k for k in ANSWER_KINDS if k.asked and k.asked.search(asks)), None)


def has_kind(kind: AnswerKind | None, statement: str, question: str) -> bool:
    """Whether a statement has an answer of the kind; always, where any answer may do.

    Somebody whom the question names is no answer to "who".
    """
    if kind is None or kind.in_statement is None:
        return True
    if kind.name == "name":
        return _names_somebody(statement, question)
    return bool(kind.in_statement.search(statement))


def counted_noun(question: str) -> str:
    """The noun after "how many": "litres"; "" for none, and where any number may do."""
    found = _COUNTED.search(question)
    noun = found[1].lower() if found else ""
    return noun if could_be_noun(noun) and noun not in _TELL_NO_KIND else ""


def _asking_part(question: str) -> str:
    """A question without its clauses: "What broke when it rained?" asks for no time."""
    words = list(_QUESTION_WORDS.finditer(question))
    if len(words) < 2:
        return question
    comma = question.find(",", 0, words[1].start())
    if comma >= 0 and _BEGINS_WITH_CLAUSE.match(question):
        return question[comma + 1 :]
    return question[: words[1].start()]


def asked_noun(question: str) -> str:
    """The noun after "which" or "what" that the answer is one of: "fruit"; "" for none."""
    for found in _ASKED_NOUNS.finditer(question):
        words = found[1].lower().split()
        verbs = (place for place, word in enumerate(words) if _is_verb(word, place))
        verb = next(verbs, len(words))
        noun = words[verb - 1] if verb else ""
        if noun and could_be_noun(noun) and noun not in _TELL_NO_KIND:
            return noun
    return ""


def _is_verb(word: str, place: int) -> bool:
    """Whether a word ends the noun before it; the first one may be a plural: "which plants"."""
    return word in _VERBS or (place > 0 and word.endswith("s") and bool(verb_bases(word)))


def _names_somebody(statement: str, question: str) -> bool:
    """Whether a statement has a name that the question has not, or says who somebody is.

    In scripts without capitals nobody can tell; where people write without them, any word that is
    in no dictionary may be a name.
    """
    asked = set(folded_words(question))
    said = (folded_words(found[0])[-1:] for found in _SOMEBODY.finditer(statement))
    if statement.lower() == statement.upper() or _SAYS_NAME.search(statement):
        return True
    if any(not asked & set(words) for words in said):
        return True
    if statement.islower():
        words = (word for word in content_words(statement) if word.isalpha() and word not in asked)
        return not all(map(is_common_word, words))
    return any(_is_name(found, statement, asked) for found in _WORD.finditer(statement))


def _is_name(found: re.Match[str], statement: str, asked: Set[str]) -> bool:
    """Whether a word of a statement is a name, as its capital shows, and not among those asked."""
    word = found[0]
    if not word[0].isupper() or _OF_TIME.match(word) or asked & set(folded_words(word)):
        return False
    before = statement[max(0, found.start() - 8) : found.start()].rstrip(_OPENING)
    begins = not before or before[-1] in _ENDS
    return not (begins and is_common_word(word.casefold()))


def _asks_for_several(question: str) -> bool:
    """Whether the noun after "which" or "what" is a plural: "which file formats does ..."."""
    return any(_is_plural(found[1].lower().split()) for found in _ASKED_NOUNS.finditer(question))


def _is_plural(words: Sequence[str]) -> bool:
    """Whether the noun among the words after "which" is a plural: the last before a verb."""
    verb = next((place for place, word in enumerate(words) if word in _VERBS), None)
    if verb == 0:
        return False
    noun = words[0] if verb is None else words[verb - 1]
    return noun in _PLURALS or _is_plural_noun(noun)


def _is_plural_noun(word: str) -> bool:
    return len(word) > 3 and looks_plural(word) and could_be_noun(word)
