"""Characters that nobody sees, made visible: those that turn text around, and those without width.

A text can read as one thing and be another: U+202E turns what follows it around, tags of U+E0000
carry whole sentences. Joiners within words and emoji are left alone, because scripts need them.
"""

from __future__ import annotations

import re
import unicodedata

_JOINERS = "\N{ZERO WIDTH JOINER}\N{ZERO WIDTH NON-JOINER}"
_HIDDEN = re.compile(
    "[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5"
    "\u180b-\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_MARKS = "\N{LEFT-TO-RIGHT MARK}\N{RIGHT-TO-LEFT MARK}\N{ARABIC LETTER MARK}"
_MARKS_AWAY = re.compile(f"[{_MARKS}]")
_RUN = 8  # tags come by the hundred: so many of a run are named, and the rest is counted


def revealed(text: str) -> str:
    """The text with the code in brackets, like [U+202E], in place of each hidden character."""
    if text.isascii() and text.isprintable():
        return text
    if _HIDDEN.search(text) is None:
        return text
    shown: list[str] = []
    run = at = 0
    for found in _HIDDEN.finditer(text):
        run = run + 1 if shown and found.start() == at else 1
        shown.append(text[at : found.start()])
        shown.append(_told(text, found.start(), run))
        at = found.end()
    return "".join([*shown, text[at:]])


def _told(text: str, place: int, run: int) -> str:
    character = text[place]
    if _is_needed(text, place):
        return character
    if run > _RUN:
        return "…" if run == _RUN + 1 else ""
    return f"[U+{ord(character):04X}]"


def _is_needed(text: str, place: int) -> bool:
    """Whether a script or an emoji needs it here."""
    character = text[place]
    before, after = text[place - 1 : place], text[place + 1 : place + 2]
    if character in _JOINERS:
        return _joins(before) and (_joins(after) or not after or after.isspace())
    if "\ufe00" <= character <= "\ufe0f":  # chooses how the character before it looks
        return unicodedata.category(before or " ") in ("So", "Sm", "Po", "Nd", "Sk", "Lo", "Me")
    if character in _MARKS:  # beside letters that run to the left they are of use
        near = _MARKS_AWAY.sub("", text[max(0, place - 20) : place + 20])
        return any(unicodedata.bidirectional(each) in ("R", "AL") for each in near)
    return False


def _joins(character: str) -> bool:
    if not character:
        return False
    kind = unicodedata.category(character)
    is_of_script = kind[0] in ("L", "M") and not character.isascii()
    return is_of_script or kind in ("So", "Sk") or "\ufe00" <= character <= "\ufe0f"
