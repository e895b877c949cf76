"""Ends an answer where one of a client's texts comes in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence


class StopTexts:
    """Passes on an answer, which comes in pieces, up to the first of the texts at which it ends.

    Holds back what may be the beginning of one, until the next piece decides.
    """

    def __init__(self, stops: Sequence[str], on_text: Callable[[str], object]) -> None:
        self._stops = stops
        self._on_text = on_text
        self._held = ""
        self.is_found = False

    def take(self, piece: str) -> None:
        """Take the next piece of the answer."""
        if self.is_found:
            return
        self._held += piece
        places = [place for stop in self._stops if (place := self._held.find(stop)) >= 0]
        self.is_found = bool(places)
        self._pass_on(min(places) if places else len(self._held) - self._open())

    def end(self) -> None:
        """Nothing more comes: pass on what is held back."""
        if not self.is_found:
            self._pass_on(len(self._held))

    def _open(self) -> int:
        """How many of the last characters may begin a text at which the answer ends."""
        return max((_begun(self._held, stop) for stop in self._stops), default=0)

    def _pass_on(self, length: int) -> None:
        text, self._held = self._held[:length], self._held[length:]
        if text:
            self._on_text(text)


def _begun(text: str, stop: str) -> int:
    longest = min(len(text), len(stop) - 1)
    return next((n for n in range(longest, 0, -1) if text.endswith(stop[:n])), 0)
