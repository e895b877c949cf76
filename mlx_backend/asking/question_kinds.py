"""What kind of thing a question asks for, and whether a statement has one."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mlx_backend.text.vocabulary import CURRENCIES, DAYS, MONTHS, NUMBERS

_QUANTITIES = (
    f"{NUMBERS}|thousand|million|dozen|quarter|twice|once|every|each|daily|weekly|monthly|yearly"
    "|free|nothing|none|no"
)
_COLOURS = (
    "red|green|blue|yellow|orange|purple|violet|pink|brown|black|white|gr[ea]y|beige|cream|ivory"
    "|gold(?:en)?|silver|turquoise|teal|navy|maroon|magenta|ochre|copper|pale|dark|bright|crimson"
    "|scarlet|indigo|lilac|bronze|khaki|azure|cobalt"
)
_MONEY = f"{CURRENCIES}|pennies|k"
_SUMS = "price|rent|fees?|fare|salary|wages?|budget|deposit|fine|subscription|costs?|paid|pays?"


@dataclass(frozen=True)
class Kind:
    """A kind of thing: how it is asked for, and how it looks in a statement.

    `is_plain`: whether it looks the same wherever it stands, so that none is overlooked.
    """

    asked: re.Pattern[str]
    there: re.Pattern[str]
    is_plain: bool = False


def _kind(asked: str, there: str, is_cased: bool = False, is_plain: bool = False) -> Kind:
    flags = re.RegexFlag(0) if is_cased else re.IGNORECASE
    return Kind(re.compile(asked, re.IGNORECASE), re.compile(there, flags), is_plain)


# The first that a question fits is its kind.
_KINDS = (
    _kind(r"\bcolou?rs?\b", rf"\b(?:{_COLOURS})(?:ish)?\b"),
    _kind(
        r"\bhow old\b|\bwhat age\b",
        r"\b(?:years?|months?|old|born|birthday|aged?|since|(?:19|20)\d\d)\b",
    ),
    _kind(
        r"\bhow (?:tall|high|deep|wide|thick)\b",
        r"\d\s*(?:mm|cm|m|km|ft|in|inch(?:es)?|f(?:oo|ee)t|met(?:er|re)s?|miles?|stor(?:ey|ies))\b"
        rf"|\b(?:{_QUANTITIES}) (?:inch|f(?:oo|ee)t|met(?:er|re)s?)",
    ),
    _kind(
        r"\b(?:phone|telephone|serial|account|registration|passport|policy) number\b",
        r"\d{3,}|\d[\d -]{4,}",
    ),
    _kind(r"\bpasswords?\b|\bpasscode\b|\bPIN\b", r"\bpass(?:word|code)|\bpin\b|\bcode\b"),
    _kind(
        r"\bhow much (?:money|rent)\b"
        r"|\bhow much (?:do|does|did|is|was|will|would) .*\b(?:costs?|earn|pay|paid|owe)\b"
        r"|\bwhat (?:do|does|did|will|would) .*\b(?:cost|earn)(?: (?:a|an|per|in|each|for)\b|\?)"
        r"|\bwh(?:at|ich) (?:is|was|are|were) (?:(?:the|our|my|his|her|their) )?"
        rf"(?:{_SUMS})(?: (?:of|for|per|a|an|in|at|on|to)\b|\?)"
        r"|\bwhat (?:price|salary|rent|fee) (?:do|does|did|is|was)\b",
        rf"[$£€¥]|\d ?(?:{_MONEY})\b|\b(?:{CURRENCIES}|kr|rs)\.? ?\d"
        r"|(?<![\d.:])\d+[.,]\d\d\b(?![.:])"
        rf"|\b(?:{_SUMS}|earns?|earned|charges?|charged)\b\W*(?:\w+\W+){{0,2}}\d"
        r"|\b(?:is|was|cost) \d[\d.,]*(?! ?[\w%°])"
        rf"|\b(?:{_QUANTITIES}) (?:{_MONEY})\b|\b(?:free|gratis|nothing)\b",
        is_plain=True,
    ),
    _kind(
        r"\bhow (?:much|many|long|far|big|heavy|often|large)\b"
        r"|\bwh(?:at|ich) (?:price|number|percentage|share|amount|temperature|size)\b|\bcosts?\b",
        rf"\d|\b(?:{_QUANTITIES})\b|\b(?:{DAYS})s?\b",
    ),
    _kind(
        r"\bwhen\b|\bwh(?:at|ich) (?:time|day|date|month|year|weekday)\b",
        rf"\d{{1,2}}[:.]\d\d|\b(?:19|20)\d\d\b|\d(?:st|nd|rd|th)\b|\b(?:{MONTHS})\b"
        rf"|\b(?:{DAYS})s?\b|\b(?:weeks?|months?|days?|hours?)\b"
        r"|\b(?:spring|summer|autumn|winter|morning|noon|evening|night|today|tomorrow|yesterday"
        r"|lunch|dinner|breakfast|easter|christmas|before|after|until|during|o'clock)\b",
    ),
    _kind(
        r"\bwho(?:m|se)?\b",
        r"(?<=\s)[A-ZÀ-Þ]\w+|^[A-ZÀ-Þ]\w+|\b(?:dr|mr|mrs|ms|prof)\.? \w+|\b(?:I|we|my|our)\b",
        is_cased=True,
    ),
    _kind(
        r"\bwhere\b",
        r"\b(?:in|at|on|behind|under|near|beside|inside|above|below|between|next to|over|from|to|by"
        r"|outside|opposite) (?:the |a |an |our |my |his |her |their )"
        rf"|\b(?:in|at|on|from|near) (?!(?:{DAYS})s?\b)(?!(?:{MONTHS})\b)[A-ZÀ-Þ]"
        r"|[a-z] (?:in|at) [a-z]|^[^.?!]{2,40}: ",
        is_cased=True,
    ),
)


def asked_kind(question: str) -> Kind | None:
    """The kind of thing that a question asks for; None where any answer may do."""
    return next((kind for kind in _KINDS if kind.asked.search(question)), None)


def has_kind(kind: Kind | None, statement: str) -> bool:
    """Whether a statement has something of the kind."""
    return kind is None or bool(kind.there.search(statement))
