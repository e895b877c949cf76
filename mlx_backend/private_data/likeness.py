"""Whether a string looks like a password, a random token, or a placeholder for one."""

from __future__ import annotations

import math
import re
from collections import Counter

from mlx_backend.private_data.word_list import word_list

_PLACEHOLDERS = re.compile(
    r"example|change[-_ ]?me|placeholder|redacted|removed|your|insert|replace|dummy|sample|foobar"
    r"|xxxx|\*\*\*|\.\.\.|…|<|>|123456789|abcdef|12345678|0{8}|todo|secret[-_]?key$|test[-_]?token"
)
_COMMON = frozenset(
    word_list(
        "admin default empty false hidden mysql none null pass passwd passwort password "
        "postgres required root secret string test testing true undefined user username value "
        "hunter2 letmein qwerty password1 password123 passw0rd pa55word p@ssw0rd p@ssword "
        "admin123 pass123 test123 secret123 foo bar baz abc123 mypassword foobar str bool int "
        "text field input optional md5 sha1 sha256 base64 utf8 utf-8"
    )
)
_CODE = re.compile(
    r"[$%@{<\[(/\\~&|#`]"  # the start of a variable, template, path or call
    r"|(?:https?|ftp|file|ssh)://|\w+\(|[\w-]+(?:\.[\w-]*[a-z]{2}[\w-]*)+$|--?[a-z]"
    r"|[a-z]+::|[\w.]+\[|\d+:\d|[A-Za-z_]+=|\s"
    r"|.*(?:\]\(|\(\)|=>|->|==[^=]|&&|\|\||</)"
)
_IDENTIFIER = re.compile(r"(?:[A-Za-z]+[_.-])+[A-Za-z]+[_-]?\d?|[A-Z_]+|[A-Za-z]+")
_NUMERIC = re.compile(r"[\d.,:/+-]+(?:%|px|ms|s|kb|mb|gb|k|m)?", re.IGNORECASE)
_VERSION = re.compile(
    r"v?\d+(?:\.\w+)+(?:[-+][\w.]+)*|(?:python|utf|sha|md|es|php|http|ruby|rails)-?\d+[\d.]*", re.I
)
# Mail addresses, quantities, dates, numbered things and handles also occur in sentences.
_ORDINARY = re.compile(
    r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+|@\w+|#[\w-]+|\w+[:/]\S*|[\d.,]+[a-zA-Z]{1,4}|[A-Z]{2,5}-?\d{1,5}"
    r"|[A-Za-z]+[-_.]\d+|\w+\+\w{1,2}|[a-z]+s?\+|\w+=\S*|\d+(?:st|nd|rd|th)|\S*[()\[\]{}|\\]\S*"
    r"|\d{4}-\d\d-\d\dT\S*|[0-9a-f]{7,12}|[0-9a-f]{32,}"
)
_TOKEN = re.compile(r"[A-Za-z0-9_+/=.~%!:-]+")


def entropy(text: str) -> float:
    """The Shannon entropy in bits per character."""
    counts = Counter(text).values()
    return -sum(n / len(text) * math.log2(n / len(text)) for n in counts) if text else 0.0


def is_placeholder(text: str) -> bool:
    """Whether it is a placeholder for a secret, or an example that many manuals use."""
    folded = text.lower()
    return bool(
        folded.strip("!?.,;:\"'") in _COMMON
        or _PLACEHOLDERS.search(folded)
        or len(set(folded)) < 3 < len(folded)
    )


def is_not_placeholder(text: str) -> bool:
    """The opposite of `is_placeholder`, as the check of a rule."""
    return not is_placeholder(text)


def looks_random(text: str, shortest: int = 16) -> bool:
    """Whether it looks machine-made: at least `shortest` letters and digits with high entropy."""
    if len(text) < shortest or not _TOKEN.fullmatch(text) or is_placeholder(text):
        return False
    letters = sum(char.isalpha() for char in text)
    digits = sum(char.isdigit() for char in text)
    if not letters or not digits or _CODE.match(text):
        return False
    return entropy(text) >= min(3.0, math.log2(len(text)) * 0.8)


def looks_like_password(text: str) -> bool:
    """Whether a person may have chosen it as a password: letters mixed with digits or signs.

    False for plain words, numbers, names of variables, paths, calls and templates.
    """
    core = text.rstrip("!?.,;:*")
    if not 5 <= len(text) <= 64 or len(core) < 4 or is_placeholder(text) or _CODE.match(core):
        return False
    if any(p.fullmatch(core) for p in (_IDENTIFIER, _NUMERIC, _VERSION)):
        return False
    letters = any(char.isalpha() for char in core)
    digits = any(char.isdigit() for char in core)
    signs = any(char in "!#$%&*+?@^=~§" for char in core)
    return (letters and (digits or signs)) or (digits and signs)


def stands_out(text: str) -> bool:
    """Whether it looks like a password even when no word nearby announces one.

    It has at least three letters, and a sign or two digits, and is not a date, a quantity, a mail
    address or the like.
    """
    core = text.rstrip("!?")
    if len(core) < 6 or not looks_like_password(text) or _ORDINARY.fullmatch(core):
        return False
    letters = sum(char.isalpha() for char in core)
    digits = sum(char.isdigit() for char in core)
    signs = sum(char in "!#$%*+?@^=~§&" for char in core)
    return letters >= 3 and bool(digits >= 2 or signs)
