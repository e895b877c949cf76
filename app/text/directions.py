"""The direction in which a text runs, and names that run another way than the sentence."""

from __future__ import annotations

import re
import unicodedata

_OPEN, _CLOSE = "\N{FIRST STRONG ISOLATE}", "\N{POP DIRECTIONAL ISOLATE}"
_BREAK = "\N{ZERO WIDTH SPACE}"
_TO_RIGHT, _TO_LEFT = "\N{LEFT-TO-RIGHT MARK}", "\N{RIGHT-TO-LEFT MARK}"
_ADDED = re.compile(f"[{_OPEN}{_CLOSE}{_BREAK}]")
# Letters that run to the left, and signs that turn what stands around them.
_TURNS = re.compile(
    "[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff\U00010800-\U00010fff\U0001e800-\U0001efff"
    "\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)
_QUOTED = re.compile(r"“([^”\n]+)”")
_LONG_WORD = re.compile(r"\S{32,}")
_EVERY = 8


def runs_left(text: str) -> bool:
    """Whether a text is written from right to left, as its first letter says."""
    for character in text if _TURNS.search(text) else "":
        direction = unicodedata.bidirectional(character)
        if direction in ("L", "R", "AL"):
            return direction != "L"
    return False


def isolated(name: str) -> str:
    """A name as it goes into a sentence of ours, which it does not turn around."""
    return f"{_OPEN}{name}{_CLOSE}" if _TURNS.search(name) else name


def apart(text: str) -> str:
    """A text whose direction does not depend on what it is drawn in."""
    return f"{_OPEN}{text}{_CLOSE}" if text else text


def in_sentence(text: str) -> str:
    """A text in which what is quoted in “ ” does not change the direction of the rest.

    Where there is nothing but a quotation, that decides the direction.
    """
    around = _QUOTED.sub("", text)
    if not _TURNS.search(text) or not _has_letters(around):
        return text
    drawn = _QUOTED.sub(lambda quoted: f"“{isolated(quoted[1])}”", text)
    if runs_left(around) != runs_left(text):
        # Some of Qt's widgets also search isolated text for the first letter.
        return f"{_TO_LEFT if runs_left(around) else _TO_RIGHT}{drawn}"
    return drawn


def breakable(text: str) -> str:
    """A text whose long words have places where a label may break them."""
    return _LONG_WORD.sub(lambda word: _broken(word[0]), text)


def bare(text: str) -> str:
    """A text without what the functions above put into it."""
    return _ADDED.sub("", text.removeprefix(_TO_RIGHT).removeprefix(_TO_LEFT))


def _has_letters(text: str) -> bool:
    return any(unicodedata.bidirectional(each) in ("L", "R", "AL") for each in text)


def _broken(word: str) -> str:
    pieces, piece = [], ""
    for character in word:
        # What belongs to the character before stays with it.
        joins = unicodedata.category(character)[0] == "M" or character == "\N{ZERO WIDTH JOINER}"
        if len(piece) >= _EVERY and not joins and not piece.endswith("\N{ZERO WIDTH JOINER}"):
            pieces.append(piece)
            piece = ""
        piece += character
    return _BREAK.join([*pieces, piece])
