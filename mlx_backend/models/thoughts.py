"""What a model thinks aloud before it answers, told apart from the answer while both are written.

Models that think write their thoughts between two marks, such as `<think>` and `</think>`, before
the answer. Some templates write the first mark themselves. In an answer, the same words are text.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from mlx_lm.tokenizer_utils import TokenizerWrapper


@dataclass(frozen=True)
class ThoughtMarks:
    """The texts between which a model thinks."""

    begin: str
    end: str

    def are_open_in(self, prompt: str) -> bool:
        """Whether a prompt ends within a thought, which the model is to go on with."""
        return prompt.rfind(self.begin) > prompt.rfind(self.end)


def marks_of(tokenizer: TokenizerWrapper) -> ThoughtMarks | None:
    """The marks that a tokenizer has; None without any."""
    if not tokenizer.has_thinking:
        return None
    return ThoughtMarks(tokenizer.think_start, tokenizer.think_end)


class ThoughtSplitter:
    """Passes generated text on in pieces: thoughts to one function, the answer to another.

    `in_thought` tells that the prompt ended within a thought.
    """

    def __init__(
        self,
        marks: ThoughtMarks | None,
        in_thought: bool,
        on_thought: Callable[[str], object],
        on_text: Callable[[str], object],
    ) -> None:
        self._marks = marks
        self._on_thought = on_thought
        self._on_text = on_text
        self._held = ""  # may be the beginning of a mark
        self._is_empty = True
        self._place: Literal["before", "thought", "answer"] = "before"
        if marks is None:
            self._place = "answer"
        elif in_thought:
            self._place = "thought"

    @property
    def is_in_answer(self) -> bool:
        """Whether what comes now belongs to the answer."""
        return self._place == "answer"

    def take(self, piece: str) -> None:
        """Take the next piece of text."""
        self._held += piece
        if self._marks is not None and self._place == "before":
            self._look_for_begin(self._marks.begin)
        if self._marks is not None and self._place == "thought":
            self._look_for_end(self._marks.end)
        if self._place == "answer":
            self._pass_on_answer()

    def end(self) -> None:
        """Pass on what is held back: nothing more will come."""
        rest, self._held = self._held, ""
        if rest:
            (self._on_thought if self._place == "thought" else self._on_text)(rest)

    def _look_for_begin(self, mark: str) -> None:
        text = self._held.lstrip()
        if text.startswith(mark):
            self._place, self._held = "thought", text[len(mark) :]
        elif not mark.startswith(text):
            self._place = "answer"

    def _look_for_end(self, mark: str) -> None:
        thought, found, rest = self._held.partition(mark)
        if found:
            self._place, self._held = "answer", rest
        else:
            kept = _beginning_at_end(thought, mark)
            thought, self._held = thought[: len(thought) - kept], thought[len(thought) - kept :]
        if thought:
            self._on_thought(thought)

    def _pass_on_answer(self) -> None:
        # White space between a thought and the answer belongs to neither.
        text = self._held.lstrip() if self._is_empty and self._marks else self._held
        if text:
            self._is_empty, self._held = False, ""
            self._on_text(text)


def answer_in(text: str, marks: ThoughtMarks | None, in_thought: bool) -> str:
    """The answer in a finished text, without what was thought before it."""
    pieces: list[str] = []
    splitter = ThoughtSplitter(marks, in_thought, lambda _: None, pieces.append)
    splitter.take(text)
    splitter.end()
    return "".join(pieces)


def _beginning_at_end(text: str, mark: str) -> int:
    """The length of the longest beginning of a mark with which a text ends."""
    longest = min(len(text), len(mark) - 1)
    return next((n for n in range(longest, 0, -1) if text.endswith(mark[:n])), 0)
