"""Questions about a name and the value after its colon, as in "spare key: in the shed"."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlx_backend.study.by_rule.answers import AnswerSpan, answers_in
from mlx_backend.study.by_rule.clause_questions import questions_about_clause
from mlx_backend.study.by_rule.function_words import DEFINITE
from mlx_backend.study.by_rule.grammar import clause_about
from mlx_backend.study.by_rule.phrases import LONGEST_KEY, first_part
from mlx_backend.study.by_rule.question_text import Question, uncapitalised
from mlx_backend.text.dictionary import PREPOSITIONS, could_be_noun, finite_base, is_common_word

_PIECES = re.compile(r"[,;]\s+")
_NAME_OF_SOMEONE = re.compile(r"[A-ZÀ-Þ][a-zà-þ'’-]+(?: [A-ZÀ-Þ][a-zà-þ'’-]+){0,2}")
_ENDS_OPEN = re.compile(rf"\b(?:{'|'.join(PREPOSITIONS)})$|^(?:when|where|who|why|how)\b", re.I)
_WORDS = re.compile(r"[\w'’ -]+")
_ROLE = re.compile(r"[a-z]{3,}(?:er|or|ian|ist|man|woman|ant|ess|chief|cook|nurse)")
# Questions about the thing that is named, by the kind of its value.
_WHOLE = {
    "money": "How much is {}?",
    "length of time": "How long is {}?",
    "date": "When is {}?",
    "day": "When is {}?",
    "time": "When is {}?",
}


def questions_about_pair(name: str, value: str) -> Iterator[Question]:
    """All questions about a name and its value."""
    value = value.rstrip(".")
    first = first_part(value)
    is_someone = _is_someone(name, first)
    for answer in answers_in(value):
        if answer.kind not in {"name", "place"}:
            yield Question(f"{name}: {answer.question_words[0]}?", answer.key, "pair")
    if len(first.split()) <= LONGEST_KEY:
        yield Question(f"{name}?", first, "pair")
        is_thing = not name.endswith("s") and not _ENDS_OPEN.search(name)
        if first == value and is_thing and not is_someone and not _is_doing(first):
            yield Question(f"What is {_subject(name)}?", first, "pair")
    if is_someone:
        yield from _of_someone(name, first)
    yield from _of_pieces(name if is_someone else _subject(name), name, value)


def _of_someone(name: str, first: str) -> Iterator[Question]:
    if len(first.split()) <= LONGEST_KEY and not answers_in(first) and not _is_doing(first):
        yield Question(f"Who or what is {name}?", first, "pair")
    if _ROLE.fullmatch(first):
        yield Question(f"Who is the {first}?", name, "pair")


def _of_pieces(subject: str, name: str, value: str) -> Iterator[Question]:
    """Questions about each part of the value: "comes at night" is read as "Ida comes at night"."""
    for piece in _PIECES.split(value):
        clause = clause_about(subject, piece)
        if clause is not None and not _ENDS_OPEN.search(name):
            yield from questions_about_clause(clause)
        for answer in answers_in(piece):
            yield from _of_whole(subject, piece, answer)


def _of_whole(subject: str, piece: str, answer: AnswerSpan) -> Iterator[Question]:
    form = _WHOLE.get(answer.kind)
    if not form or answer.start > 0 or not _WORDS.fullmatch(subject):
        return
    rest = piece[answer.end :].strip()
    yield Question(form.format(f"{subject} {rest}".strip()), answer.key, "pair")
    if answer.kind == "money":
        yield Question(f"How much does {subject} cost {rest}".strip() + "?", answer.key, "pair")


def _is_someone(name: str, first: str) -> bool:
    """Whether a name looks like that of a person or firm; `first` is the value's first part."""
    is_known = all(is_common_word(word.lower()) for word in name.split())
    return bool(_NAME_OF_SOMEONE.fullmatch(name)) and (not is_known or bool(_ROLE.fullmatch(first)))


def _is_doing(text: str) -> bool:
    """Whether a text begins with a verb in the third person, as in "keeps the keys"."""
    word = text.split(" ", maxsplit=1)[0]
    return word.endswith("s") and bool(finite_base(word)) and not could_be_noun(word)


def _subject(name: str) -> str:
    is_definite = name.split(maxsplit=1)[0].lower() in DEFINITE
    return f"{'' if is_definite else 'the '}{uncapitalised(name)}"
