"""The names that adapters may have: letters and digits of any script that every file system takes.

The Mac's file system ignores case and the Unicode normal form of names. So two names that differ
only in these are the same name here, on every system.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from mlx_backend.errors import ErrorKind, OvernightError

LONGEST_NAME = 64
"""The longest name, in characters."""

LONGEST_FILE_NAME = 255
"""The longest name of a file, in bytes."""

# Shorter, because a folder's name is longer while it is written or removed.
_LONGEST_BYTES = 220

# Allowed by every file system. The last two occur within Catalan and Japanese words.
_BETWEEN = frozenset(" ._-'\u2019&()+,\u00b7\u30fb")
_JOINERS = frozenset("\u200c\u200d")  # within words of Persian and of Indian languages
# Letters and marks by their Unicode category, but invisible.
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
_RESERVED = re.compile(
    r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9\u00b9\u00b2\u00b3])(\..*)?"
)


def check_name(name: str, of: str = "an adapter") -> str:
    """`name` in its normal form. Raises OvernightError when an adapter cannot have this name.

    Base models may have the same names; `of` is what the error calls that which is named.
    """
    name = normal_name(name)
    reason = _problem_of(name)
    if reason:
        raise OvernightError(
            ErrorKind.BAD_INPUT, f"'{_printable(name)}' cannot be the name of {of}.", reason
        )
    return name


def normal_name(name: str) -> str:
    """The normal form of a name: composed letters (NFC) and plain spaces."""
    composed = unicodedata.normalize("NFC", name)
    return "".join(" " if unicodedata.category(c) == "Zs" else c for c in composed)


def is_same_name(one: str, other: str) -> bool:
    """Whether some file system would take two names for the same one."""
    return _folded(one) == _folded(other)


def same_among(name: str, others: Iterable[str]) -> str | None:
    """The first of `others` that is the same name (see `is_same_name`); None when there is none."""
    folded = _folded(name)
    return next((other for other in others if _folded(other) == folded), None)


def shortened(name: str, suffix: str) -> str:
    """`name` followed by `suffix`; the name is cut where the whole would be too long."""
    stem = name[: LONGEST_NAME - len(suffix)]
    while len(f"{stem}{suffix}".encode()) > _LONGEST_BYTES:
        stem = stem[:-1]
    return stem.rstrip(" .") + suffix


def nearest_name(wanted: str, otherwise: str) -> str:
    """The allowed name that is nearest to `wanted`: a file's, perhaps, which holds anything.

    What a name may not hold becomes a space. Returns `otherwise` where nothing is left of it.
    """
    kept = "".join(c if _is_allowed(c) else " " for c in normal_name(wanted))
    kept = " ".join(_UNSEEN.sub("", kept).split())
    while kept and not (kept[0].isalpha() or kept[0].isdecimal()):
        kept = kept[1:]
    kept = shortened(kept, "")
    return otherwise if not kept or _problem_of(kept) else kept


def is_folder_name(name: str) -> bool:
    """Whether a name stands for a visible entry directly in a folder, not for a path."""
    is_short = 0 < len(name.encode("utf-8", "surrogatepass")) <= LONGEST_FILE_NAME
    return is_short and not name.startswith(".") and not {"/", "\\", "\0"} & set(name)


def _problem_of(name: str) -> str:
    if len(name) > LONGEST_NAME or len(name.encode("utf-8", "replace")) > _LONGEST_BYTES:
        return f"That is too long: use up to {LONGEST_NAME} letters, digits and spaces."
    first = name[:1]
    if not (first.isalpha() or first.isdecimal()) or not all(map(_is_allowed, name)):
        return (
            f"Use up to {LONGEST_NAME} letters and digits of any language, spaces, and these:"
            " . _ - ' ’ & ( ) + , starting with a letter or digit."
        )
    if _UNSEEN.search(name):
        return "It contains invisible characters."
    if name.endswith((" ", ".")):
        return "It must not end with a space or a dot."
    if _RESERVED.fullmatch(name.casefold()):
        return "Windows reserves this name, so such a folder could not be copied there."
    return ""


def _is_allowed(character: str) -> bool:
    kind = unicodedata.category(character)
    return kind[0] in "LM" or kind == "Nd" or character in _BETWEEN or character in _JOINERS


def _folded(name: str) -> str:
    seen = "".join(c for c in normal_name(name) if c not in _JOINERS)
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", seen).casefold())


def _printable(name: str) -> str:
    # A byte of the command line that is not valid UTF-8 (a surrogate) is shown as it is.
    unseen = "\N{REPLACEMENT CHARACTER}"
    kept = (c if c.isprintable() or unicodedata.category(c) == "Cs" else unseen for c in name)
    return "".join(kept)
