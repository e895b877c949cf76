"""Prompt lookup: what an answer quotes is guessed from where it stands, and only checked.

Where the last tokens of an answer stood before, in the prompt or in the answer itself, what
followed them there is likely to follow again. The model computes several tokens at once in little
more than the time of one, so a right guess saves most of its time; a wrong one costs little, and
changes nothing. After Saxena, "Prompt lookup decoding" (github.com/apoorvumang/
prompt-lookup-decoding), and Leviathan et al., arXiv 2211.17192.
"""

from __future__ import annotations

from collections.abc import Sequence

LONGEST_GUESS = 8
"""Tokens. On a CPU, eight of them cost 1.1 times as much as one."""

_ALIKE = 3  # tokens in a row that have to stand there
_LONGEST_PAUSE = 32  # tokens


class PromptLookup:
    """Guesses the next tokens from all that stand before them."""

    def __init__(self, prompt: Sequence[int]) -> None:
        self._ids: list[int] = []
        self._after: dict[tuple[int, ...], int] = {}
        self._pause = 0
        self._wrong = 0
        for token in prompt:
            self._append(token)

    def add(self, token: int) -> None:
        """Take the next token of the answer."""
        self._append(token)
        self._pause = max(0, self._pause - 1)

    def guess(self, most: int) -> list[int]:
        """What may come next: at most `most` tokens, none where nothing like it stood before."""
        place = None if self._pause else self._after.get(tuple(self._ids[-_ALIKE:]))
        found = [] if place is None else self._ids[place : place + min(most, LONGEST_GUESS)]
        return found if len(found) > 1 else []

    def judge(self, right: int) -> None:
        """Tell how many tokens of the last guess came true; wrong ones pause the guessing."""
        self._wrong = 0 if right > 1 else self._wrong + 1
        if self._wrong:
            self._pause = min(2**self._wrong, _LONGEST_PAUSE)

    def _append(self, token: int) -> None:
        # The place is noted when the next token comes, so that it never is the end itself.
        if len(self._ids) >= _ALIKE:
            self._after[tuple(self._ids[-_ALIKE:])] = len(self._ids)
        self._ids.append(token)
