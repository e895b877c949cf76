"""The kinds of answers: how each is asked for, and how it looks in a statement.

Three uses read this table. The rules that write questions (`study/by_rule/answers.py`) look for
`forms`. The filter of a model's questions (`study/by_model/filters.py`) checks `question_has`.
Answering by quoting (`asking/question_kinds.py`) compares `asked` with `in_statement`. A kind that
one of them has no use for leaves those fields empty.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from mlx_backend.text.word_alternatives import (
    COLOURS,
    CURRENCIES,
    DAYS,
    MONTHS,
    NUMBERS,
    QUANTITIES,
    SUMS_OF_MONEY,
)


@dataclass(frozen=True)
class AnswerForm:
    """One exact form of an answer, and the words that a question for it begins with.

    `pattern` matches the answer with the words that belong to it, as in "on 12 May". Its group
    `key`, if it has one, is the answer itself, and its group `noun` what is counted or numbered.
    In place of "{}" in a question word stands that noun.
    """

    pattern: re.Pattern[str]
    question_words: tuple[str, ...]


@dataclass(frozen=True)
class AnswerKind:
    """A kind of answer; the fields that no use needs for it are empty.

    name: as samples keep it in the library.
    forms: its exact forms in a sentence.
    question_has: matches every question that a model may write for an answer of this kind.
    asked: matches a person's question for this kind.
    in_statement: matches statements that have something of the kind, less strictly than `forms`.
    is_unmistakable: whether `in_statement` misses none, because the kind always looks the same.
    """

    name: str
    forms: tuple[AnswerForm, ...] = ()
    question_has: re.Pattern[str] | None = None
    asked: re.Pattern[str] | None = None
    in_statement: re.Pattern[str] | None = None
    is_unmistakable: bool = False


def _form(pattern: str, *question_words: str) -> AnswerForm:
    return AnswerForm(re.compile(pattern), question_words)


def _any_case(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


_NUMBER = rf"(?:\d[\d,.]*\d|\d|\b(?:{NUMBERS})\b)"
_LENGTHS_OF_TIME = r"(?:second|minute|hour|day|night|week|month|year)s?"
_MONEY = f"{CURRENCIES}|pennies|k"

# The order counts twice: a piece of a sentence belongs to the first kind that has a form for it,
# and a person's question asks for the first kind that it matches.
ANSWER_KINDS = (
    AnswerKind(
        "colour",
        asked=_any_case(r"\bcolou?rs?\b"),
        in_statement=_any_case(rf"\b(?:{COLOURS})(?:ish)?\b"),
    ),
    AnswerKind(
        "age",
        asked=_any_case(r"\bhow old\b|\bwhat age\b"),
        in_statement=_any_case(
            r"\b(?:years?|months?|old|born|birthday|aged?|since|(?:19|20)\d\d)\b"
        ),
    ),
    AnswerKind(
        "dimension",
        asked=_any_case(r"\bhow (?:tall|high|deep|wide|thick)\b"),
        in_statement=_any_case(
            r"\d\s*(?:mm|cm|m|km|ft|in|inch(?:es)?|f(?:oo|ee)t|met(?:er|re)s?|miles?"
            r"|stor(?:ey|ies))\b"
            rf"|\b(?:{QUANTITIES}) (?:inch|f(?:oo|ee)t|met(?:er|re)s?)"
        ),
    ),
    AnswerKind(
        "identifying number",
        asked=_any_case(
            r"\b(?:phone|telephone|serial|account|registration|passport|policy) number\b"
        ),
        in_statement=_any_case(
            r"(?<!\d)(?!(?:19|20)\d\d(?!\d))\d{4,}|\d[\d -]{4,}\d|\b[a-z]{1,4}-?\d{3,}"
            r"|\b(?:ext(?:ension)?|no|nr|number|account|policy)\b\.?:? ?\d{3,}"
        ),
    ),
    AnswerKind(
        "password",
        asked=_any_case(r"\bpasswords?\b|\bpasscode\b|\bPIN\b"),
        in_statement=_any_case(r"\bpass(?:word|code)|\bpin\b|\bcode\b"),
    ),
    AnswerKind(
        "frequency",
        (
            _form(rf"\bevery (?:{_NUMBER} )?{_LENGTHS_OF_TIME}\b", "how often"),
            _form(rf"\bevery (?:{DAYS})\b", "how often", "when"),
        ),
        question_has=_any_case(r"^how often|\bfrequen"),
    ),
    AnswerKind(
        "time",
        (
            _form(rf"\b(?:on )?(?P<key>(?:{DAYS})s?,? (?:at )?\d{{1,2}}[:.]\d{{2}})\b", "when"),
            _form(
                r"(?<![$£€~.,/-])\b(?:at )?(?P<key>\d{1,2}[:.]\d{2})(?: ?[ap]m)?\b"
                r"(?! ?[a-z%€]|\.\d)",
                "when",
                "at what time",
            ),
        ),
        question_has=_any_case(r"^when|\btime\b|\bday\b"),
    ),
    AnswerKind(
        "date",
        (
            _form(
                r"\b(?:on )?(?:the )?(?P<key>"
                rf"\d{{1,2}}(?:st|nd|rd|th)? (?:of )?(?:{MONTHS})(?: \d{{4}})?"
                rf"|(?:{MONTHS}) \d{{1,2}}(?:st|nd|rd|th)?(?:,? \d{{4}})?"
                r"|\d{4}-\d{2}-\d{2})\b",
                "when",
                "on what date",
            ),
        ),
        question_has=_any_case(r"^when|\bdate\b|\bday\b"),
    ),
    AnswerKind(
        "day",
        (_form(rf"\bon (?:the )?(?P<key>(?:\w+ )?(?:{DAYS})s?)\b", "on which day", "when"),),
        question_has=_any_case(r"^when|\bday"),
    ),
    AnswerKind(
        "span of time",
        (_form(rf"\bfrom (?P<key>(?:{MONTHS}|{DAYS}) to (?:{MONTHS}|{DAYS}))\b", "when"),),
    ),
    AnswerKind(
        "month",
        (
            _form(
                r"\b(?:in |in early |in late )"
                rf"(?P<key>(?:{MONTHS})(?: \d{{4}})?|(?:19|20)\d\d)\b",
                "when",
            ),
        ),
        question_has=_any_case(r"^when|\bmonth\b|\byear\b"),
    ),
    AnswerKind(
        "money",
        (_form(rf"(?:[€$£] ?{_NUMBER}|{_NUMBER} ?(?:[€$£]|(?:{CURRENCIES})\b))", "how much"),),
        question_has=_any_case(r"^how much|\bcost|\bprice|\bpay|\bearn|\bamount"),
        asked=_any_case(
            r"\bhow much (?:money|rent)\b"
            r"|\bhow much (?:do|does|did|is|was|will|would) .*\b(?:costs?|earn|pay|paid|owe)\b"
            r"|\bwhat (?:do|does|did|will|would) .*\b(?:cost|earn)"
            r"(?: (?:a|an|per|in|each|for)\b|\?)"
            r"|\bwh(?:at|ich) (?:is|was|are|were) (?:(?:the|our|my|his|her|their) )?"
            rf"(?:{SUMS_OF_MONEY})(?: (?:of|for|per|a|an|in|at|on|to)\b|\?)"
            r"|\bwhat (?:price|salary|rent|fee) (?:do|does|did|is|was)\b"
        ),
        in_statement=_any_case(
            rf"[$£€¥]|\d ?(?:{_MONEY})\b|\b(?:{CURRENCIES}|kr|rs)\.? ?\d"
            r"|(?<![\d.:])\d+[.,]\d\d\b(?![.:])"
            rf"|\b(?:{SUMS_OF_MONEY}|earns?|earned|charges?|charged)\b\W*(?:\w+\W+){{0,2}}\d"
            r"|\b(?:is|was|cost) \d[\d.,]*(?! ?[\w%°])"
            rf"|\b(?:{QUANTITIES}) (?:{_MONEY})\b|\b(?:free|gratis|nothing)\b"
        ),
        is_unmistakable=True,
    ),
    AnswerKind(
        "length of time",
        (_form(rf"{_NUMBER}[ -]{_LENGTHS_OF_TIME}\b", "how long"),),
        question_has=_any_case(r"^how (?:long|many|much time)|\btime\b"),
    ),
    AnswerKind(
        "temperature",
        (
            _form(rf"\bat (?P<key>{_NUMBER}) ?(?:degrees|°C?|°F)", "at what temperature"),
            _form(
                rf"(?P<key>{_NUMBER}) ?(?:degrees|°C?|°F)", "how many degrees", "what temperature"
            ),
        ),
        question_has=_any_case(r"^(?:at )?(?:how|what temp)|\btemperature|\bdegrees"),
    ),
    AnswerKind("share", (_form(rf"(?P<key>{_NUMBER}) ?(?:percent|%)", "what percentage"),)),
    AnswerKind("number", (_form(rf"\b(?:number|no\.|nr\.?) (?P<key>{_NUMBER})", "which number"),)),
    AnswerKind(
        "count",
        (
            _form(
                r"(?<!other )(?<!first )(?<!last )(?<!these )(?<!those )(?<![\w.,/^~-])"
                rf"(?P<key>{_NUMBER})(?: |-)(?P<noun>[a-z]+(?: metres)?)\b",
                "how many {}",
            ),
        ),
        question_has=_any_case(r"^how many|\bnumber of"),
    ),
    AnswerKind(
        "numbered",
        (
            _form(
                r"\b(?P<noun>[a-z]{3,}) (?P<key>[A-Z]?\d+[A-Za-z]?|[A-Z]\d*)(?![\w.,:/%-]*\w)",
                "which {}",
            ),
        ),
    ),
    AnswerKind("quoted", (_form(r"[\"“”](?P<key>[^\"“”]{2,60})[\"“”]", "what"),)),
    AnswerKind(
        "quantity",
        asked=_any_case(
            r"\bhow (?:much|many|long|far|big|heavy|often|large)\b"
            r"|\bwh(?:at|ich) (?:price|number|percentage|share|amount|temperature|size)\b"
            r"|\bcosts?\b"
        ),
        in_statement=_any_case(rf"\d|\b(?:{QUANTITIES})\b|\b(?:{DAYS})s?\b"),
    ),
    AnswerKind(
        "point in time",
        asked=_any_case(r"\bwhen\b|\bwh(?:at|ich) (?:time|day|date|month|year|weekday)\b"),
        in_statement=_any_case(
            rf"\d{{1,2}}[:.]\d\d|\b(?:19|20)\d\d\b|\d(?:st|nd|rd|th)\b|\b(?:{MONTHS})\b"
            rf"|\b(?:{DAYS})s?\b|\b(?:weeks?|months?|days?|hours?)\b"
            r"|\b(?:spring|summer|autumn|winter|morning|noon|evening|night|today|tomorrow"
            r"|yesterday|lunch|dinner|breakfast|easter|christmas|before|after|until|during"
            r"|o'clock)\b"
        ),
    ),
    AnswerKind(
        "name",
        (
            _form(
                r"\b(?:(?:Dr|Mr|Mrs|Ms|Prof|St)\.? )?[A-ZÀ-Þ][\w'’-]*"
                r"(?: (?:of|de|van|von|der|the|and) (?=[A-ZÀ-Þ])| [A-ZÀ-Þ0-9][\w'’-]*)*"
                r"|\b[a-z]*[A-Z0-9]+[A-Z][\w-]*",
                "what",
            ),
        ),
        asked=_any_case(r"\bwho(?:m|se)?\b|\bname of\b|['’]s name\b"),
        in_statement=re.compile(
            r"(?<=\s)[A-ZÀ-Þ]\w+|^[A-ZÀ-Þ]\w+|\b(?:dr|mr|mrs|ms|prof)\.? \w+|\b(?:I|we|my|our)\b"
        ),
    ),
    AnswerKind(
        "place",
        (
            _form(
                r"\b(?:in|at|on|behind|under|near|beside|inside|above|below|between|next to|"
                r"over(?= the\b| [A-ZÀ-Þ]))"
                r" (?P<key>(?:the |a |an |our |my |his |her |their )?[^,;:()]+?)"
                r"(?= (?:and|but|with|for|to|when|until|by|because|so|that|which|who|where|using"
                r"|I|we|you)\b|[,;:()]|\.(?:\s|$)|$)",
                "where",
            ),
        ),
        question_has=_any_case(r"^where|\bplace\b|^in which|^what .* in\b"),
        asked=_any_case(r"\bwhere\b"),
        in_statement=re.compile(
            r"\b(?:in|at|on|behind|under|near|beside|inside|above|below|between|next to|over|from"
            r"|to|by|outside|opposite) (?:the |a |an |our |my |his |her |their )"
            rf"|\b(?:in|at|on|from|near|to) (?!(?:{DAYS})s?\b)(?!(?:{MONTHS})\b)[A-ZÀ-Þ]"
            r"|[a-z] (?:in|at) [a-z]|^[^.?!]{2,40}: "
        ),
    ),
)

_BY_NAME = {kind.name: kind for kind in ANSWER_KINDS}


def kind_named(name: str) -> AnswerKind | None:
    """The kind of answers with this name; None for kinds of samples that ask for no such answer."""
    return _BY_NAME.get(name)
