"""The token ids of which a model made its answers, by their text.

The tokens that a model chooses are often others than those into which its text would be cut. A
prompt that has the generated ones goes on from the cache of the answer.
"""

from __future__ import annotations

from collections.abc import Sequence

_MOST = 512  # answers


class GeneratedAnswers:
    """Remembers the last answers of one base model."""

    def __init__(self) -> None:
        self._ids: dict[str, tuple[int, ...]] = {}

    def __call__(self, text: str) -> Sequence[int] | None:
        """The ids of an answer; None where they are not known."""
        return self._ids.get(text)

    def add(self, text: str, ids: Sequence[int]) -> None:
        """Remember an answer, without the token that ended it."""
        if not text:
            return
        self._ids.pop(text, None)
        self._ids[text] = tuple(ids)
        while len(self._ids) > _MOST:
            del self._ids[next(iter(self._ids))]

    def within(self, ids: Sequence[int]) -> dict[str, list[int]]:
        """The answers that stand in a prompt; of the last one, its last token may be missing."""
        return {
            text: list(answer)
            for text, answer in self._ids.items()
            if _is_within(answer, ids) or list(ids[1 - len(answer) :]) == list(answer[:-1])
        }


def _is_within(part: Sequence[int], whole: Sequence[int]) -> bool:
    width = 4  # bytes
    needle, stack = _bytes(part, width), _bytes(whole, width)
    place = stack.find(needle)
    while place > 0 and place % width:
        place = stack.find(needle, place + 1)
    return place >= 0


def _bytes(ids: Sequence[int], width: int) -> bytes:
    return b"".join(number.to_bytes(width, "big") for number in ids)
