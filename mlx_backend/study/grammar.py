"""As much English grammar as it takes to turn a sentence into a question.

Only clauses that are understood are turned: who or what does it, the verb, and the rest. In other
languages none is, and their notes are asked for by their words alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from mlx_backend.study.dictionary import (
    AUXILIARIES,
    DETERMINERS,
    PREPOSITIONS,
    PRONOUNS,
    could_be_noun,
    finite_base,
    inflected,
    is_adjective,
    is_common_word,
    is_participle,
    plain_base,
)
from mlx_backend.study.subjects import is_subject
from mlx_backend.words import word_set

_NUMBERS = word_set("one two three four five six seven eight nine ten")
_PLURAL_PRONOUNS = word_set("i we you they")
_ADVERBS = word_set(
    "always never often usually sometimes rarely only still already also now just ever soon not "
    "mostly finally originally currently"
)
_SUBORDINATE = word_set("when whenever who which where if unless because so while that to")
_FEWEST_TELLING = 2
_FEWEST_TOLD = 3
_EMPTY = (
    AUXILIARIES
    | DETERMINERS
    | PRONOUNS
    | PREPOSITIONS
    | word_set("do does did be been you me us them here there something anything")
)
_VERB_FOLLOWERS = word_set(
    "it them me us him you i we they best well badly worst up out off down back away home"
)
_FARTHEST_VERB = 9
# It speaks of what only the text around it names: "within that transaction", "against it".
_LEANS_ON_ITS_TEXT = re.compile(
    rf"\bth(?:is|ese|ose)\b|\b(?:{'|'.join(PREPOSITIONS)}) that\b|\bthat \w+(?<!s)$"
    r"| (?:it|them)$|\bdo that\b"
)
_BREAKS_OFF = word_set(
    "and or that which who is are was were be been called named like when where while if than as "
    "such because so then not also only even"
)
_IDLE_IMPERATIVES = word_set("see note check let say consider imagine suppose assume")
_WITHIN = re.compile(r"(?:\w+ of )?(?:which|whom|who)\b")
_CLAUSE_BREAK = re.compile(r"([;:]\s+|,?\s+(?:and|but|because)\s+|,\s+)")


@dataclass(frozen=True)
class Clause:
    """`subject` `adverb` `verb` `rest`; `base` is the verb's infinitive, "" for an auxiliary.

    `object` is what a pronoun at the beginning of the rest was replaced by.
    """

    subject: str
    adverb: str
    verb: str
    rest: str
    base: str = ""
    object: str = ""

    @property
    def is_copula(self) -> bool:
        """Whether it says what something is."""
        return self.verb in {"is", "are", "was", "were", "am"}

    def asked(self, question_word: str, rest: str) -> str:
        """The question for what was taken out of the rest: `question_word` and what remains."""
        helper, verb = self.verb, ""
        if self.base:
            helper, verb = self._helper(), self.base
        parts = [question_word, helper, self.subject, self.adverb, verb, rest]
        return as_question(" ".join(parts))

    def asked_for_subject(self, question_word: str, rest: str) -> str:
        """The question for the subject itself."""
        verb = self.verb
        if self.base and verb == self.base and verb != "cost":
            verb = inflected(self.base, "VBZ")
        order = [self.adverb, verb] if self.base else [verb, self.adverb]
        return as_question(" ".join([question_word, *order, rest]))

    def _helper(self) -> str:
        if self.verb == self.base:
            return "did" if self.verb == "cost" else "do"
        return "does" if self.verb == inflected(self.base, "VBZ") else "did"


def clauses(text: str) -> list[Clause]:
    """The clauses of a sentence that are understood; one may lend its subject to the next."""
    found: list[Clause] = []
    is_open = is_within = False  # a clause may go on, or what is said within it
    for mark, piece in _pieces(text):
        joined = mark.strip() not in {";", ":"}
        clause = _clause(piece)
        if clause and "and" in mark and (not found or _is_half_a_phrase(clause, piece)):
            clause = None
        if "but" in mark and not found:
            clause = None  # "all but the last"
        if clause is None and found and joined and not (is_within and mark.strip() == "and"):
            clause = _continued(found[-1], piece, has_and="and" in mark)
        if clause is not None:
            found.append(clause)
            is_open, is_within = True, False
        elif is_open and joined:
            found[-1] = replace(found[-1], rest=f"{found[-1].rest}{mark}{piece}")
            is_within = is_within or bool(_WITHIN.match(piece))
        else:
            is_open = False
    return found


def clause_about(subject: str, text: str, is_verb: bool = False) -> Clause | None:
    """What a text says of a subject named before it: what it does, or where or how it is.

    `is_verb`: whether the text begins with the verb for certain.
    """
    words = text.rstrip(" .").split()
    if not words:
        return None
    first, after = words[0].lower(), words[1] if len(words) > 1 else ""
    if is_verb:
        known = first in AUXILIARIES or finite_base(first)
        return _with_verb(subject, [], words) if known else None
    if first in PREPOSITIONS:
        return Clause(subject, "", "is", " ".join(words))
    if is_participle(words[:1]) and after.lower() in PREPOSITIONS:
        return Clause(subject, "", "is", " ".join(words))  # "synchronised with a server"
    if is_participle(words[:1]) and not _begins_thing(after):
        return None
    before = Clause(subject, "", "is", "")
    if _goes_on_with(before, first, after.lower(), has_and=True):
        return _with_verb(subject, [], words)
    return None


def _begins_thing(word: str) -> bool:
    """Whether what a verb acts on may begin with this word."""
    return word.lower() in DETERMINERS or word[:1].isdigit() or word[:1].isupper()


def as_spoken_within(text: str) -> str:
    """A phrase that began a sentence, as it stands inside one: lower case unless it is a name."""
    first, _, rest = text.partition(" ")
    if not first[:1].isupper() or first in {"I", "I'm", "I've"}:
        return text
    lower = first.lower()
    if lower in DETERMINERS or lower in PRONOUNS:
        return f"{lower} {rest}".strip()
    follows_name = bool(rest) and rest[0].isupper()
    if follows_name or not first[1:].islower() or not is_common_word(lower):
        return text
    return f"{lower} {rest}".strip()


def _pieces(text: str) -> Iterator[tuple[str, str]]:
    mark = ""
    for i, piece in enumerate(_CLAUSE_BREAK.split(text.rstrip(" .!"))):
        if i % 2:
            mark = piece
        elif piece:
            yield mark, piece


def _clause(text: str) -> Clause | None:
    words = text.split()
    if not words or words[0].lower() in _SUBORDINATE:
        return None
    if words[0].lower() in PREPOSITIONS:
        return _with_lead(words)
    if of_log := _of_log(words):
        return of_log
    place = _verb_place(words)
    if place is None:
        return _imperative(words) or _with_participle(words)
    start = place
    while start > 1 and words[start - 1].lower() in _ADVERBS:
        start -= 1
    if not is_subject([word.lower() for word in words[:start]]):
        return None
    if start == 1 and words[0].endswith("ing") and could_be_noun(words[place].lower()):
        return None  # "sorting lists"
    subject = as_spoken_within(" ".join(words[:start]))
    if words[place].lower() == "am" and subject != "I":
        return None
    return _with_verb(subject, words[start:place], words[place:])


def _is_half_a_phrase(clause: Clause, piece: str) -> bool:
    """As "double quotes" in "single and double quotes", or "B are" in "A and B are gone"."""
    first, *others = clause.subject.split()
    is_one = not others and not first.lower().endswith("s")
    if not others and first.lower() not in PRONOUNS and could_be_noun(clause.verb):
        return True  # "JSX and ES6 transforms"
    if clause.verb in {"are", "were"} and is_one and first not in _PLURAL_PRONOUNS:
        return True
    if first == "I":
        return not piece.startswith("I")  # "to alter and limit the paths" tells nobody to
    return first.lower() not in DETERMINERS | PRONOUNS and not first[0].isupper()


def _with_lead(words: Sequence[str]) -> Clause | None:
    """As in "Against the French I play ...": the clause behind the lead, which goes to its end."""
    for i in range(2, min(len(words), _FARTHEST_VERB)):
        if words[i].lower() in PRONOUNS:
            clause = _clause(" ".join(words[i:]))
            lead = " ".join([words[0].lower(), *words[1:i]])
            return clause and replace(clause, rest=f"{clause.rest} {lead}".strip())
    return None


def _imperative(words: Sequence[str]) -> Clause | None:
    """As in "Leave the log on the clipboard": it tells what I should do."""
    adverbs = [word.lower() for word in words[:1] if word.lower() in _ADVERBS]
    rest = words[len(adverbs) :]
    first = rest[0].lower() if len(rest) >= _FEWEST_TOLD else ""
    if first in _IDLE_IMPERATIVES or not plain_base(first):
        return None
    if not (rest[1].lower() in DETERMINERS or (adverbs and rest[1][0].isupper())):
        return None
    return Clause("I", " ".join(adverbs), "should", " ".join([rest[0].lower(), *rest[1:]]))


def _of_log(words: Sequence[str]) -> Clause | None:
    """As in "Swapped the glue for another": what was done by whoever wrote it."""
    first = words[0].lower()
    base = finite_base(first)
    is_past = base and first in {inflected(base, "VBD")}
    if not is_past or not words[0][0].isupper() or len(words) < _FEWEST_TOLD:
        return None
    if not _begins_thing(words[1]) or (words[1].istitle() and words[2:3] and words[2].istitle()):
        return None  # "Released Under Licence"
    return Clause("we", "", first, " ".join(words[1:]), base)


def _with_participle(words: Sequence[str]) -> Clause | None:
    """As in "Field trial begun at the dairy": what was done to what comes first."""
    lower = [word.lower() for word in words[:_FARTHEST_VERB]]
    for place in range(1, len(lower) - 1):
        is_done = is_participle([lower[place]]) and not could_be_noun(lower[place])
        if is_done and lower[place + 1] in PREPOSITIONS and is_subject(lower[:place]):
            subject = as_spoken_within(" ".join(words[:place]))
            if lower[0] not in DETERMINERS and subject[0].islower():
                subject = f"the {subject}"
            return Clause(subject, "", "was", " ".join(words[place:]))
    return None


def _continued(before: Clause, text: str, has_and: bool) -> Clause | None:
    """What goes on with the same subject: another verb, or what was done to it."""
    words = text.split()
    first = words[0].lower() if words else ""
    after = words[1].lower() if len(words) > 1 else ""
    if is_participle(words[:1]) and is_participle(before.rest.split()[-1:]):
        return None  # "need to be declared and used"
    if first.endswith("ed") and before.base and not before.verb.endswith("ed"):
        return None  # it may go on with what was said within
    if before.verb in {"is", "are"} and is_participle(words[:1]) and has_and:
        return Clause(before.subject, "", before.verb, text)  # "is sturdy and kept in the shed"
    if first in AUXILIARIES or _goes_on_with(before, first, after, has_and):
        return _with_verb(before.subject, [], words)
    if first == "cost" and after:
        return Clause(before.subject, "", "cost", " ".join(words[1:]), "cost")
    is_done = is_participle(words[:1]) or first in {"due", "worth"}
    if before.is_copula and is_done and after in PREPOSITIONS:
        verb = "is" if first in {"due", "worth"} else "was"
        return Clause(before.subject, "", verb, text)
    return None


def _goes_on_with(before: Clause, first: str, after: str, has_and: bool) -> bool:
    """Whether a word is what the same subject does next, rather than a noun: "and files using"."""
    if not finite_base(first) or not (has_and or first.endswith("s")):
        return False
    if first.endswith("s") and before.subject.lower() in _PLURAL_PRONOUNS:
        return False
    if not could_be_noun(first) or after in DETERMINERS | _VERB_FOLLOWERS:
        return True
    is_one_of_many = first.endswith("s") and before.rest.endswith("s")  # "queries and commands in"
    return after in PREPOSITIONS and not is_one_of_many


def _with_verb(subject: str, adverbs: Sequence[str], words: Sequence[str]) -> Clause:
    verb = words[0].lower()
    rest = list(words[1:])
    adverbs = list(adverbs)
    if verb in AUXILIARIES:
        done = [word for word in rest if word.lower() not in _ADVERBS]
        verb_is_lexical = verb in {"has", "have", "had"} and not is_participle(done[:1])
        base = "have" if verb_is_lexical else ""
    else:
        base = finite_base(verb) or plain_base(verb)
    while not base and rest and rest[0].lower() in _ADVERBS:
        adverbs.append(rest.pop(0))
    return Clause(subject, " ".join(adverbs), verb, " ".join(rest), base)


def _verb_place(words: Sequence[str]) -> int | None:
    lower = [word.lower().strip(",") for word in words]
    reach = range(1, min(len(words), _FARTHEST_VERB))
    for i in reach:
        is_auxiliary = lower[i] in AUXILIARIES and words[i][0].islower()  # and no month
        if is_auxiliary and lower[i - 1] not in {"who", "that", "which"}:
            return None if _has_relative(lower[:i]) else i
    candidates = [i for i in reach if _could_be_verb(lower, words, i)]
    for noun, verb in pairwise(candidates):
        is_one_phrase = verb == noun + 1 and lower[noun].endswith("s")
        if is_one_phrase and plain_base(lower[verb]) and lower[verb] not in _VERB_FOLLOWERS:
            return verb  # "the release notes give"
    for i in candidates:
        if not could_be_noun(lower[i]):
            return i
    return candidates[0] if candidates else None


def _has_relative(words: Sequence[str]) -> bool:
    return any(word in {"when", "where", "if", "because"} for word in words)


def _could_be_verb(lower: Sequence[str], words: Sequence[str], i: int) -> bool:
    word, before = lower[i], lower[i - 1]
    after = lower[i + 1] if i + 1 < len(lower) else ""
    if not word.isalpha() or words[i][0].isupper() or before in {"who", "that", "which"}:
        return False
    if word in _ADVERBS:
        return False  # "still", which may be done to waters too
    if before in PREPOSITIONS or before.endswith("'s"):
        return False
    if (word == "based" and after == "on") or (word == "like" and before not in PRONOUNS):
        return False
    if before in DETERMINERS and (before not in _NUMBERS or could_be_noun(word)):
        return False
    if finite_base(word):
        return _stands_as_verb(lower, i, after)
    subject_is_plural = before in _PLURAL_PRONOUNS or (
        (i == 1 or lower[0] in DETERMINERS) and before.endswith("s") and could_be_noun(before)
    )
    if word == "cost" and after[:1].isdigit():
        return True
    return subject_is_plural and bool(plain_base(word))


def _stands_as_verb(lower: Sequence[str], i: int, after: str) -> bool:
    """Whether a form that could also be a noun or participle is the verb, by what is around it."""
    word = lower[i]
    begins_phrase = after in DETERMINERS | PREPOSITIONS | _VERB_FOLLOWERS or (
        after[:1].isdigit() and not (word.endswith("s") and is_common_word(lower[i - 1]))
    )
    if word.endswith("s"):
        if lower[i - 1] in _PLURAL_PRONOUNS or not could_be_noun(word):
            return lower[i - 1] not in _PLURAL_PRONOUNS
        has_number = any(each[0].isdigit() for each in lower[:i])
        return not has_number and (begins_phrase or (lower[0] in DETERMINERS and after != ""))
    if after == "by":
        return False
    return begins_phrase or after == "" or not is_participle([word]) or (lower[i - 1] in PRONOUNS)


def as_question(text: str) -> str:
    """A question of the words of a text."""
    text = " ".join(text.split()).strip(" ,;:.")
    return f"{text[:1].upper()}{text[1:]}?"


def is_whole(question: str) -> bool:
    """Whether a question does not break off where the sentence went on, and asks of something."""
    words = question.rstrip("?").lower().split()
    telling = [word for word in words[1:] if word not in _EMPTY]
    if is_adjective(words[-1]) and words[-2] in DETERMINERS:
        return False
    ends_well = words[-1] not in DETERMINERS - {"all", "both", "one"} | _BREAKS_OFF
    is_own = not _LEANS_ON_ITS_TEXT.search(" ".join(words))
    return ends_well and is_own and words[-1][-1] != "-" and len(telling) >= _FEWEST_TELLING
