"""English grammar: the clauses of a sentence, and turning them into questions.

A clause is a subject, a verb and the rest. Sentences that do not fit, among them all in other
languages, yield no clauses; they are asked for by their keywords alone (`keyword_prompts`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from mlx_backend.study.by_rule.question_text import as_question, uncapitalised
from mlx_backend.study.by_rule.subjects import is_subject
from mlx_backend.study.by_rule.verbs import (
    ADVERBS,
    FARTHEST_VERB,
    PLURAL_PRONOUNS,
    VERB_FOLLOWERS,
    is_said_within,
    verb_place,
)
from mlx_backend.text.dictionary import (
    AUXILIARIES,
    DETERMINERS,
    PREPOSITIONS,
    PRONOUNS,
    could_be_noun,
    finite_base,
    inflected,
    is_participle,
    looks_plural,
    plain_base,
)
from mlx_backend.text.words import word_set

_MODALS = word_set("can could may might must should will would")
_SUBORDINATE = word_set("when whenever who which where if unless because so while that to")
_FEWEST_TOLD = 3
_IDLE_IMPERATIVES = word_set("see note check let say consider imagine suppose assume")
_WITHIN = re.compile(r"(?:\w+ of )?(?:which|whom|who)\b")
_CLAUSE_BREAK = re.compile(r"([;:]\s+|,?\s+(?:and|but|because)\s+|,\s+)")


@dataclass(frozen=True)
class Clause:
    """A clause, in its order: `subject` `adverb` `verb` `rest`.

    base: the verb's infinitive, "" for an auxiliary.
    object: what replaced a pronoun at the beginning of the rest, "" for none.
    """

    subject: str
    adverb: str
    verb: str
    rest: str
    base: str = ""
    object: str = ""

    @property
    def is_copula(self) -> bool:
        """Whether its verb is a form of "be"."""
        return self.verb in {"is", "are", "was", "were", "am"}

    def asked(self, question_word: str, rest: str) -> str:
        """The question for a piece of the clause's rest; `rest` is what remains without it."""
        helper, verb = self.verb, ""
        if self.base:
            helper, verb = self._helper(), self.base
        parts = [question_word, helper, self.subject, self.adverb, verb, rest]
        return as_question(" ".join(parts))

    def asked_for_subject(self, question_word: str, rest: str) -> str:
        """The question for the subject: `question_word`, the verb and `rest`."""
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
    """The clauses found in a sentence; one without a subject takes that of the one before it."""
    found: list[Clause] = []
    is_open = is_within = False  # a clause may go on, or a clause within it
    before = ""
    for mark, piece in _pieces(text):
        joined = mark.strip() not in {";", ":"}
        clause = _clause(piece)
        is_half = (
            not found or "both" in before.split() or (clause and _is_half_a_phrase(clause, piece))
        )
        if "and" in mark and is_half:
            clause = None
        before = piece
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
    """The clause of a given subject and a text that says what it does, or where or how it is.

    `is_verb` tells that the text certainly begins with the verb. None where it is no such text.
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
    """Whether a verb's object may begin with this word."""
    return word.lower() in DETERMINERS or word[:1].isdigit() or word[:1].isupper()


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
    place = verb_place(words)
    if place is None:
        return _imperative(words) or _with_participle(words)
    start = place
    while start > 1 and words[start - 1].lower() in ADVERBS:
        start -= 1
    if not is_subject([word.lower() for word in words[:start]]):
        return None
    if start == 1 and words[0].endswith("ing") and could_be_noun(words[place].lower()):
        return None  # "sorting lists"
    subject = uncapitalised(" ".join(words[:start]))
    if words[place].lower() == "am" and subject != "I":
        return None
    return _with_verb(subject, words[start:place], words[place:])


def _is_half_a_phrase(clause: Clause, piece: str) -> bool:
    """Whether a clause is only half of a phrase, as "B are" in "A and B are gone"."""
    first, *others = clause.subject.split()
    is_one = not others and not first.lower().endswith("s")
    if not others and first.lower() not in PRONOUNS and could_be_noun(clause.verb):
        return True  # "JSX and ES6 transforms"
    if clause.verb in {"are", "were"} and is_one and first not in PLURAL_PRONOUNS:
        return True
    if first == "I":
        return not piece.startswith("I")  # "to alter and limit the paths" is no imperative
    return first.lower() not in DETERMINERS | PRONOUNS and not first[0].isupper()


def _with_lead(words: Sequence[str]) -> Clause | None:
    """The clause behind a lead: "In a storm I sleep" becomes "I sleep in a storm"."""
    for i in range(2, min(len(words), FARTHEST_VERB)):
        if words[i].lower() in PRONOUNS:
            clause = _clause(" ".join(words[i:]))
            lead = " ".join([words[0].lower(), *words[1:i]])
            return clause and replace(clause, rest=f"{clause.rest} {lead}".strip())
    return None


def _imperative(words: Sequence[str]) -> Clause | None:
    """The clause of an imperative: "Leave the parcel" becomes "I should leave the parcel"."""
    adverbs = [word.lower() for word in words[:1] if word.lower() in ADVERBS]
    rest = words[len(adverbs) :]
    first = rest[0].lower() if len(rest) >= _FEWEST_TOLD else ""
    if first in _IDLE_IMPERATIVES or not plain_base(first):
        return None
    if not (rest[1].lower() in DETERMINERS or (adverbs and rest[1][0].isupper())):
        return None
    return Clause("I", " ".join(adverbs), "should", " ".join([rest[0].lower(), *rest[1:]]))


def _of_log(words: Sequence[str]) -> Clause | None:
    """The clause of an entry in a log: "Traded the rope" becomes "we traded the rope"."""
    first = words[0].lower()
    base = finite_base(first)
    is_past = base and first in {inflected(base, "VBD")}
    if not is_past or not words[0][0].isupper() or len(words) < _FEWEST_TOLD:
        return None
    if not _begins_thing(words[1]) or (words[1].istitle() and words[2:3] and words[2].istitle()):
        return None  # "Released Under Licence"
    return Clause("we", "", first, " ".join(words[1:]), base)


def _with_participle(words: Sequence[str]) -> Clause | None:
    """The clause of a participle: "Sea race begun at Moss" becomes "the sea race was begun ..."."""
    lower = [word.lower() for word in words[:FARTHEST_VERB]]
    for place in range(1, len(lower) - 1):
        word = lower[place]
        is_done = is_participle([word]) and not could_be_noun(word) and not plain_base(word)
        if is_done and is_said_within([word.lower() for word in words], place):
            return None
        if is_done and lower[place + 1] in PREPOSITIONS and is_subject(lower[:place]):
            subject = uncapitalised(" ".join(words[:place]))
            if lower[0] not in DETERMINERS and subject[0].islower():
                subject = f"the {subject}"
            verb = "were" if looks_plural(subject) else "was"
            return Clause(subject, "", verb, " ".join(words[place:]))
    return None


def _continued(before: Clause, text: str, has_and: bool) -> Clause | None:
    """The clause that goes on with the subject of the one before it, by a verb or a participle."""
    words = text.split()
    first = words[0].lower() if words else ""
    after = words[1].lower() if len(words) > 1 else ""
    if is_participle(words[:1]) and is_participle(before.rest.split()[-1:]):
        return None  # "need to be declared and used"
    if first.endswith("ed") and before.base and not before.verb.endswith("ed"):
        return None  # it may belong to a clause within the clause
    if first.endswith("ed") and before.verb in _MODALS:
        return None  # "can show the date and related settings"
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
    """Whether a word is the next verb of the same subject, not a noun as in "and files using"."""
    if not finite_base(first) or not (has_and or first.endswith("s")):
        return False
    if first.endswith("s") and before.subject.lower() in PLURAL_PRONOUNS:
        return False
    if not could_be_noun(first) or after in DETERMINERS | VERB_FOLLOWERS:
        return True
    is_one_of_many = first.endswith("s") and before.rest.endswith("s")  # "queries and commands in"
    return after in PREPOSITIONS and not is_one_of_many


def _with_verb(subject: str, adverbs: Sequence[str], words: Sequence[str]) -> Clause:
    verb = words[0].lower()
    rest = list(words[1:])
    adverbs = list(adverbs)
    if verb in AUXILIARIES:
        done = [word for word in rest if word.lower() not in ADVERBS]
        verb_is_lexical = verb in {"has", "have", "had"} and not is_participle(done[:1])
        base = "have" if verb_is_lexical else ""
    else:
        base = finite_base(verb) or plain_base(verb)
    while not base and rest and rest[0].lower() in ADVERBS:
        adverbs.append(rest.pop(0))
    return Clause(subject, " ".join(adverbs), verb, " ".join(rest), base)
