"""Who listens to an answer while it is generated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


def _ignore(_: str) -> None:
    """The callback where nobody listens."""


@dataclass(frozen=True)
class Listener:
    """Hears an answer while it is generated, and may end it.

    on_text: receives each new piece of the answer. cancelled: whether to end it early; asked after
    each token and each part of the prompt. on_thought: receives what the model thinks aloud before
    the answer; None: it is not to think.
    """

    on_text: Callable[[str], object] = _ignore
    cancelled: Callable[[], bool] = lambda: False
    on_thought: Callable[[str], object] | None = None

    @property
    def lets_think(self) -> bool:
        """Whether the model is to think aloud before it answers."""
        return self.on_thought is not None

    def think(self, text: str) -> None:
        """Pass on a piece of a thought, where anybody wants to hear it."""
        if self.on_thought is not None:
            self.on_thought(text)


NOBODY = Listener()
"""The listener where none is needed."""
