"""An answer: what was asked, how it grows token by token, and what it is in the end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from mlx_lm.tokenizer_utils import TokenizerWrapper

from mlx_backend.models.decoding import Token
from mlx_backend.models.listener import Listener
from mlx_backend.models.thoughts import ThoughtMarks, ThoughtSplitter
from mlx_backend.protocol.context_window import Fitted

Ended = Literal["stop", "length", "cancelled"]


@dataclass(frozen=True)
class Answer:
    """An answer, with counts in tokens.

    ended: why it ended; cached_tokens: the part of the prompt that was in the cache; ttft_ms:
    milliseconds until the first token; tokens_per_second: of the generated tokens after the first;
    left_out: how many of the first exchanges did not fit into the context window; thoughts: what
    the model thought aloud before the answer; drafted_tokens: those that prompt lookup guessed.
    """

    text: str
    ended: Ended
    prompt_tokens: int
    cached_tokens: int
    generated_tokens: int
    ttft_ms: float
    tokens_per_second: float
    left_out: int = 0
    thoughts: str = ""
    drafted_tokens: int = 0


@dataclass(frozen=True)
class Asked:
    """A prompt, and how what is generated after it is read.

    room: how many tokens may be generated, thoughts included. following: gives a prompt of the next
    question. marks, in_thought: as `ThoughtSplitter` takes them. begun: the text of the answer that
    the prompt ends with, and the number of its ids.
    """

    fitted: Fitted
    room: int
    following: Callable[[], Sequence[int]] = tuple
    marks: ThoughtMarks | None = None
    in_thought: bool = False
    begun: tuple[str, int] = ("", 0)


@dataclass
class Draft:
    """An answer while it is generated; `ids` without the token that ended it."""

    pieces: list[str] = field(default_factory=list)
    thoughts: list[str] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)
    generated: int = 0
    drafted: int = 0
    first_at: float | None = None
    ended: Ended = "length"

    def write(
        self,
        tokens: Iterator[Token],
        asked: Asked,
        tokenizer: TokenizerWrapper,
        listener: Listener,
    ) -> None:
        """Write what is generated, with at most `max_tokens` after its thoughts."""

        def think(text: str) -> None:
            self.thoughts.append(text)
            listener.think(text)

        def speak(text: str) -> None:
            self.pieces.append(text)
            listener.on_text(text)

        splitter = ThoughtSplitter(asked.marks, asked.in_thought, think, speak)
        text_of, spoken = tokenizer.detokenizer, 0
        for token in tokens:
            spoken += splitter.is_in_answer
            self._count(token)
            if token.id in tokenizer.eos_token_ids:
                self.ended = "stop"
                break
            self.ids.append(token.id)
            text_of.add_token(token.id)
            splitter.take(text_of.last_segment)
            if spoken == asked.fitted.max_tokens:
                break
            if listener.cancelled():
                self.ended = "cancelled"
                break
        text_of.finalize()
        splitter.take(text_of.last_segment)
        splitter.end()

    def _count(self, token: Token) -> None:
        self.first_at = self.first_at or time.perf_counter()
        self.generated += 1
        self.drafted += token.is_drafted

    def finish(self, began: float, asked: Asked, cached_tokens: int) -> Answer:
        """The answer as it is now; `began` is when it was asked (time.perf_counter)."""
        now = time.perf_counter()
        first_at = self.first_at or now
        text = "".join(self.pieces)
        return Answer(
            text=text.rstrip() if asked.begun[0] else text.strip(),
            ended=self.ended,
            prompt_tokens=len(asked.fitted.prompt),
            cached_tokens=cached_tokens,
            generated_tokens=self.generated,
            ttft_ms=(first_at - began) * 1000,
            tokens_per_second=(self.generated - 1) / (now - first_at) if self.generated > 1 else 0,
            left_out=asked.fitted.left_out,
            thoughts="".join(self.thoughts).strip(),
            drafted_tokens=self.drafted,
        )
