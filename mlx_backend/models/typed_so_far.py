"""What of a prompt is certain while its last turn is still being typed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mlx_backend.models.prompt_cache import shared_length
from mlx_backend.protocol import Turn

_UNSURE = 2
"""Tokens before the end of what is certain, which are left out: a word may go on otherwise."""

_MAY_FOLLOW = ("a", " a", "\n\na")

_Prompt = Callable[[Sequence[Turn]], list[int]]


@dataclass(frozen=True)
class Certain:
    """A prompt, of which the turn that is being typed begins at `typed`; `end` of it are certain.

    All are numbers of tokens.
    """

    prompt: list[int]
    typed: int
    end: int

    @classmethod
    def of(cls, turns: Sequence[Turn], prompt_of: _Prompt) -> Certain:
        """Of turns whose last is what has been typed so far."""
        *earlier, last = turns

        def ending_in(text: str) -> list[int]:
            return prompt_of([*earlier, Turn(role="user", text=text)])

        prompt = prompt_of(turns)
        typed = min(shared_length(prompt, ending_in(other)) for other in ("a", "1"))
        going_on = [shared_length(prompt, ending_in(last.text + more)) for more in _MAY_FOLLOW]
        return cls(prompt, typed, max(typed, min(going_on) - _UNSURE))
