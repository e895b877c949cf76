"""What code adds to the words of a text, for the index of passages and for questions to it.

The words of `json_each` are "json" and "each", which many passages have; `useState` is one word,
which nobody types who looks for "state". So identifiers are indexed as wholes and by their parts.
"""

from __future__ import annotations

import re

_WHOLE = (
    "\ue001"  # begins a term of code, so that it is no word; the tokenizer takes it for a letter
)
_LONGEST = 80  # characters of an identifier
_MOST = 500  # terms of a text

_FLAG = r"(?<![\w-])--?[A-Za-z][\w-]*"
_COMPOUND = r"(?<!\w)\w+(?:(?:[_./]|::|->)+\w+)+"
_IDENTIFIER = re.compile(f"{_FLAG}|{_COMPOUND}", re.ASCII)
_HUMP = re.compile(r"(?<!\w)\w*(?:[a-z\d][A-Z]|[A-Z]{2}[a-z])\w*", re.ASCII)
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_BETWEEN = re.compile(r"[\W_]+", re.ASCII)


def whole_terms(text: str) -> list[str]:
    """A term for each flag and each identifier that a mark divides, in order, without repeats.

    "git stash -u" has one for "-u"; "json_each" and "json.each" have the same one.
    """
    found: dict[str, None] = {}
    for match in _IDENTIFIER.finditer(text):
        if len(match[0]) <= _LONGEST and any(map(str.isalpha, match[0])):
            found[_WHOLE + _BETWEEN.sub("", match[0]).lower()] = None
        if len(found) == _MOST:
            break
    return list(found)


def parts(text: str) -> list[str]:
    """The words in identifiers that capitals divide: "use" and "state" of `useState`."""
    found: dict[str, None] = {}
    for match in _HUMP.finditer(text):
        if len(match[0]) <= _LONGEST:
            found |= dict.fromkeys(part.lower() for part in _PART.findall(match[0]))
        if len(found) >= _MOST:
            break
    return list(found)[:_MOST]
