"""Finding what a model quotes, in the words of what it quotes from."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlx_backend.library.quote_places import place_of
from mlx_backend.text.folding import places

# From here on in Unicode, scripts write words without blanks between them: Thai, Chinese, ...
_UNSPACED = "\u0e00"


def as_it_stands(words: str, text: str) -> str:
    """The words as `text` has them, whatever their case, white space and markup; "" if it has not.

    Of several sentences that are not together, the first that is there.
    """
    wanted = words.strip()
    found = (place for place in _places(text, wanted) if _is_whole(text, *place))
    place = next(found, None) or place_of(wanted, text)
    return text[slice(*place)].strip() if place else ""


def _places(text: str, wanted: str) -> Iterator[tuple[int, int]]:
    """Where the words stand as they are, markup and all, but for case and white space."""
    yield from places(text, wanted)
    spaced = r"\s+".join(map(re.escape, wanted.split()))
    yield from (found.span() for found in re.finditer(spaced or "(?!)", text, re.IGNORECASE))


def _is_whole(text: str, start: int, end: int) -> bool:
    """Whether no word is cut at either end."""
    return not (_goes_on(text[start - 1 : start], text[start]) if start else False) and not (
        _goes_on(text[end - 1], text[end : end + 1])
    )


def _goes_on(before: str, after: str) -> bool:
    if not (before and after):
        return False
    return before.isalnum() and after.isalnum() and max(before, after) < _UNSPACED
